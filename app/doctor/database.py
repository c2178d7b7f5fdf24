"""The checks of the database: reach, TLS, pooler, rights, changes, clock, schema, books."""

import asyncio
import os
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from app import audit as audits
from app.doctor.deployment import Deployment
from app.doctor.findings import Result, not_checked, ok, problem, warning
from app.orders.models import Order
from app.runtime.db.connecting import Reach
from app.runtime.db.failures import Unavailable, plain_reason, reason_of, unavailability
from app.runtime.db.revisions import current_revision, head_revision, is_behind
from app.runtime.db.urls import read_database_url
from app.runtime.db.writability import refusal_of_changes
from app.runtime.hosts import is_loopback, is_private

_OLDEST_VERSION: Final = 15
_PER_VERSION: Final = 10_000  # server_version_num of 15.4 is 150004
_NOTED_SKEW_SECONDS: Final = 1.0
_REACH_SECONDS: Final = 10.0
_BOOKS_SECONDS: Final = 10.0
_SHOWN: Final = 5
_ALEMBIC: Final = "alembic_version"
_TABLES: Final = Order.metadata.tables
_VERIFYING: Final = ("verify-ca", "verify-full")

# What `serve` and `worker` need: the rows of every table, but no change where rows are only added.
_MISSING_RIGHTS: Final = text(
    """
    SELECT 'USAGE' AS rights, 'the schema ' || nspname AS subject FROM pg_namespace
    WHERE nspname IN ('public', 'jobs') AND NOT has_schema_privilege(oid, 'USAGE')
    UNION ALL
    SELECT string_agg(need.right_name, ', '), space.nspname || '.' || class.relname
    FROM pg_class class JOIN pg_namespace space ON space.oid = class.relnamespace
    CROSS JOIN (VALUES ('SELECT'), ('INSERT'), ('UPDATE'), ('DELETE')) AS need (right_name)
    WHERE class.relkind = 'r'
      AND (space.nspname = 'jobs' OR space.nspname = 'public' AND class.relname = ANY(:tables))
      AND NOT has_table_privilege(class.oid, need.right_name)
      AND NOT (class.relname = :alembic AND need.right_name <> 'SELECT')
      AND NOT (need.right_name IN ('UPDATE', 'DELETE') AND EXISTS (
          SELECT FROM pg_trigger WHERE tgrelid = class.oid AND tgname = 'append_only'))
    GROUP BY space.nspname, class.relname
    UNION ALL
    SELECT 'USAGE', space.nspname || '.' || class.relname
    FROM pg_class class JOIN pg_namespace space ON space.oid = class.relnamespace
    WHERE class.relkind = 'S' AND space.nspname IN ('public', 'jobs')
      AND EXISTS (SELECT FROM pg_depend WHERE objid = class.oid AND deptype = 'a')
      AND CASE WHEN class.relkind = 'S' THEN NOT has_sequence_privilege(class.oid, 'USAGE') END
    ORDER BY 2
    """
)
_GUARDS_OFF: Final = text(
    """
    SELECT class.relname || '.' || tgname FROM pg_trigger
    JOIN pg_class class ON class.oid = tgrelid
    WHERE NOT tgisinternal AND tgenabled <> 'A' AND class.relname = ANY(:tables)
      AND class.relnamespace = to_regnamespace('public')
    ORDER BY 1
    """
)


async def check_reach(deployment: Deployment) -> Result:
    """Connect, and look at the server's version."""
    if deployment.place.database is None:
        return problem(
            deployment.place.why_not,
            "Set ASSAY_DATABASE_URL to a PostgreSQL 15 or later, then run `assay migrate`.",
        )
    try:
        async with (
            asyncio.timeout(_REACH_SECONDS),
            deployment.place.database.reading() as connection,
        ):
            asked = text("SELECT current_setting('server_version_num')::int")
            version = (await connection.execute(asked)).scalar_one() // _PER_VERSION
    except TimeoutError:
        return problem("the database does not answer in time", _RECONNECT)
    except Exception as fault:
        return problem(plain_reason(fault) or reason_of(fault), _RECONNECT)
    if version < _OLDEST_VERSION:
        return problem(
            f"PostgreSQL {version} answers",
            f"Move the database to PostgreSQL {_OLDEST_VERSION} or later.",
        )
    if deployment.place.is_embedded:
        return warning(
            f"the embedded PostgreSQL {version} answers, which is for one machine",
            "For production set ASSAY_DATABASE_URL to a server of your own.",
        )
    return ok(f"PostgreSQL {version} answers")


_RECONNECT: Final = (
    "Start the database or put ASSAY_DATABASE_URL right: the same URL must work in psql."
)


async def check_tls(deployment: Deployment) -> Result:
    """See whether others on the network could read along, or stand in for the server."""
    async with deployment.database.engine.connect() as connection:
        driver: Any = (await connection.get_raw_connection()).driver_connection
        encrypted, host = driver.is_encrypted, driver.host
    given = read_database_url(deployment.database.url).parameters.get("sslmode")
    verified = (given or os.environ.get("PGSSLMODE")) in _VERIFYING
    return judge_tls(host, encrypted=encrypted, verified=verified)


def judge_tls(host: str | None, *, encrypted: bool, verified: bool) -> Result:
    """Judge a connection to a host; None is a socket of this machine."""
    if host is None or is_loopback(host):
        return ok("the connection stays on this machine")
    remedy = "Add sslmode=verify-full and sslrootcert=FILE to ASSAY_DATABASE_URL."
    if encrypted and verified:
        return ok("TLS, with the server's certificate checked")
    if encrypted:
        return warning("TLS, but nobody checks whose certificate it is", remedy)
    if is_private(host):
        return warning(f"no TLS to {host}, which is in the own network", remedy)
    return problem(f"no TLS to {host}: the password and all data can be read on the way", remedy)


async def check_pooler(deployment: Deployment) -> Result:
    """Say whether a pooler is on the way; one in statement mode does not get here."""
    if deployment.database.reach is Reach.POOLED:
        return ok("a pooler answers, and keeps transactions together")
    return ok("no pooler: connections lead to PostgreSQL itself")


async def check_role(deployment: Deployment) -> Result:
    """See whether the role of the URL may do what `serve` and `worker` do, and not everything."""
    parameters = {"tables": [*_TABLES, _ALEMBIC], "alembic": _ALEMBIC}
    async with deployment.database.reading() as connection:
        rows = (await connection.execute(_MISSING_RIGHTS, parameters)).all()
        asked = text("SELECT current_user, rolsuper FROM pg_roles WHERE rolname = current_user")
        role, is_superuser = (await connection.execute(asked)).one()
    if rows:
        lacking = _several([f"{row.rights} on {row.subject}" for row in rows])
        return problem(
            f"the role {role} lacks {lacking}",
            f"As the owner of the tables grant {role} what docs/deployment.md says.",
        )
    if is_superuser and not deployment.place.is_embedded:
        return warning(
            f"the role {role} is a superuser, whom no guard of the database binds for long",
            "Give `serve` and `worker` a role that owns nothing, as docs/deployment.md says.",
        )
    return ok(f"the role {role} has the rights that it needs")


async def check_writes(deployment: Deployment) -> Result:
    """See whether the database takes changes."""
    async with deployment.database.sessions() as session, session.begin():
        refusal = await refusal_of_changes(await session.connection())
    if refusal is None:
        return ok("the database takes changes")
    return problem(
        f"the database takes no changes: {refusal}",
        "Let it take changes, or name the primary: several hosts in ASSAY_DATABASE_URL, with"
        " target_session_attrs=read-write.",
    )


async def check_clock(deployment: Deployment) -> Result:
    """Compare the clock of this machine with the database's."""
    database = deployment.database
    await database.measure_clock()
    ahead = database.clock.skew_seconds() or 0.0
    side = "ahead of" if ahead > 0 else "behind"
    found = f"the clock of this machine is {abs(ahead):.1f} s {side} the database's"
    remedy = "Run NTP on both machines; with a wrong clock a process runs no loops."
    if not database.clock.is_right():
        return problem(found, remedy)
    if abs(ahead) > _NOTED_SKEW_SECONDS:
        return warning(found, remedy)
    return ok("the clocks of this machine and of the database agree to a second")


async def check_schema(deployment: Deployment) -> Result:
    """Compare the schema with what this program needs, and see that no guard is turned off."""
    async with deployment.database.reading() as connection:
        revision = await current_revision(connection)
        off = (await connection.scalars(_GUARDS_OFF, {"tables": [*_TABLES]})).all()
    if is_behind(revision):
        at = "there is no schema" if revision is None else f"the schema is at {revision}"
        return problem(f"{at}, this program needs {head_revision()}", "Run `assay migrate`.")
    if off:
        return problem(
            f"guards of the money are not always on: {_several(list(off))}",
            "ALTER TABLE … ENABLE ALWAYS TRIGGER … for each, then run `assay audit`.",
        )
    if revision != head_revision():
        return warning(
            f"the schema is at {revision}, which a later version made",
            "Finish the upgrade: replace this program by that version.",
        )
    return ok(f"the schema is at {revision}, and every guard is on")


async def check_books(deployment: Deployment) -> Result:
    """Audit the money rules, if that is a matter of seconds."""
    try:
        async with (
            asyncio.timeout(_BOOKS_SECONDS),
            deployment.database.reading() as connection,
        ):
            breaches = (await audits.examine(connection)).open
    except TimeoutError:
        return not_checked("the books take longer than a few seconds", "Run `assay audit`.")
    except DBAPIError as fault:
        if unavailability(fault) is not Unavailable.BUSY:
            raise
        return not_checked("the books take longer than a few seconds", "Run `assay audit`.")
    if not breaches:
        return ok("the books add up")
    return problem(
        f"{len(breaches)} breaches of the money rules: {_several([one.rule for one in breaches])}",
        "Run `assay audit`, and follow the runbook's section on it.",
    )


def _several(texts: list[str]) -> str:
    """Join texts, each once, and only count those beyond the first few."""
    different = list(dict.fromkeys(texts))
    rest = len(different) - _SHOWN
    shown = "; ".join(different[:_SHOWN])
    return f"{shown}; and {rest} more" if rest > 0 else shown
