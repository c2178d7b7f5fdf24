"""Upgrades while the version before goes on serving: expand first, contract a release later."""

import asyncio
import shutil
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

import httpx
import pytest
from alembic import command
from structlog.testing import capture_logs

from app.runtime.db import migrate
from app.runtime.db.engine import Database, create_database
from app.runtime.db.migrate import configuration, upgrade
from app.runtime.db.revisions import MIGRATIONS, current_revision, head_revision
from tests.support.databases import Template, connect
from tests.support.load import under_load
from tests.support.people import make_user
from tests.support.processes import Process
from tests.support.server import serve_application

# The schema that the last released version works with: raise it with each release.
RELEASED: Final = "0003"
# Columns and tables that the released version neither reads nor writes: they may go.
NO_LONGER_USED: Final[frozenset[str]] = frozenset()

_COLUMNS: Final = """
    SELECT table_name || '.' || column_name AS name, data_type,
           is_nullable = 'NO' AND column_default IS NULL AND is_identity = 'NO'
           AND is_generated = 'NEVER' AS must_be_given
    FROM information_schema.columns
    WHERE table_schema = 'public' AND table_name <> 'alembic_version'"""

_WAITS_FOR_THE_OTHER: Final = """
    SELECT count(*) > 0 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"""

Columns = dict[str, tuple[str, bool]]


async def columns_of(url: str) -> Columns:
    """Return each column's type, and whether every insert must name it."""
    connection = await connect(url)
    rows = await connection.fetch(_COLUMNS)
    await connection.close()
    return {row["name"]: (row["data_type"], row["must_be_given"]) for row in rows}


def breaks(before: Columns, after: Columns) -> list[str]:
    """Return what the version before could not work with any more."""
    tables = {name.partition(".")[0] for name in before}
    found = [
        f"{name} is new, and must be given"
        for name in after.keys() - before.keys()
        if after[name][1] and name.partition(".")[0] in tables
    ]
    for name, (kind, must_be_given) in before.items():
        if name in NO_LONGER_USED:
            continue
        if name not in after:
            found.append(f"{name} is gone")
        elif after[name][0] != kind:
            found.append(f"{name} is {after[name][0]}, not {kind}")
        elif after[name][1] and not must_be_given:
            found.append(f"{name} must be given now")
    return found


@pytest.fixture
async def empty_database(template: Template) -> AsyncIterator[str]:
    """The URL of a database without a schema."""
    async with template.copy() as url:
        connection = await connect(url)
        await connection.execute("DROP SCHEMA public, jobs CASCADE; CREATE SCHEMA public")
        await connection.close()
        yield url


@pytest.fixture
def a_later_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Migrations with one more, which the application that serves does not know."""
    head = head_revision()  # what is known is read once
    later = tmp_path / "migrations"
    shutil.copytree(MIGRATIONS, later)
    (later / "versions" / "later.py").write_text(
        f'''"""What a later version adds."""
import sqlalchemy as sa
from alembic import op

revision = "later"
down_revision = "{head}"

def upgrade():
    op.add_column("orders", sa.Column("later", sa.Text(), server_default="new"))
    op.create_table("later", sa.Column("id", sa.Text(), primary_key=True))
'''
    )
    monkeypatch.setattr(migrate, "_MIGRATIONS", later)
    return "later"


async def revision_of(url: str) -> str | None:
    database = create_database(url)
    async with database.reading() as connection:
        found = await current_revision(connection)
    await database.dispose()
    return found


async def test_no_migration_takes_away_what_the_released_version_uses(empty_database: str) -> None:
    await asyncio.to_thread(command.upgrade, configuration(empty_database), RELEASED)
    before = await columns_of(empty_database)
    await asyncio.to_thread(upgrade, empty_database)
    assert len(before) > 50
    assert breaks(before, await columns_of(empty_database)) == []


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ("ALTER TABLE orders DROP COLUMN rail", "orders.rail is gone"),
        ("ALTER TABLE orders RENAME COLUMN rail TO way", "orders.rail is gone"),
        ("ALTER TABLE aeonto_parameters RENAME TO terms", "aeonto_parameters.seen_at is gone"),
        (
            "ALTER TABLE orders ALTER rail TYPE varchar",
            "orders.rail is character varying, not text",
        ),
        ("ALTER TABLE orders ADD later text NOT NULL", "orders.later is new, and must be given"),
        (
            "ALTER TABLE orders ALTER lease_token SET NOT NULL",
            "orders.lease_token must be given now",
        ),
    ],
)
async def test_what_the_version_before_cannot_work_with_is_found(
    database_url: str, change: str, found: str
) -> None:
    before = await columns_of(database_url)
    connection = await connect(database_url)
    await connection.execute(change)
    await connection.close()
    assert found in breaks(before, await columns_of(database_url))


async def test_what_is_only_added_breaks_nothing(database_url: str, a_later_version: str) -> None:
    before = await columns_of(database_url)
    await asyncio.to_thread(upgrade, database_url)
    after = await columns_of(database_url)
    assert {"orders.later", "later.id"} == after.keys() - before.keys()
    assert breaks(before, after) == []


async def test_served_version_fails_no_request_while_a_later_one_migrates(
    committed_database: Database, database_url: str, a_later_version: str
) -> None:
    with capture_logs():
        async with serve_application(committed_database) as served:
            caller = await make_user(committed_database, served.clock.now())
            async with under_load(served.base_url, caller) as load:
                await load.until_answered(30)
                for _ in range(3):
                    await asyncio.to_thread(upgrade, database_url)
                    await load.until_answered(30)
            async with httpx.AsyncClient(trust_env=False, timeout=60) as http:
                ready = await http.get(f"{served.base_url}/readyz")
    assert await revision_of(database_url) == a_later_version
    assert load.unanswered == []
    assert set(load.statuses) == {200, 201}
    assert (ready.json()["status"], ready.json()["reasons"]) == ("ok", [])


async def test_migration_waits_for_no_table_while_others_would_wait_behind_it(
    committed_database: Database, database_url: str, a_later_version: str
) -> None:
    holder = await connect(database_url)
    await holder.execute("SET idle_in_transaction_session_timeout = '5s'")
    await holder.execute("BEGIN")
    await holder.execute("LOCK TABLE orders IN ACCESS SHARE MODE")
    with pytest.raises(Exception, match="lock timeout"):
        await asyncio.to_thread(upgrade, database_url)
    await holder.execute("COMMIT")
    await holder.close()
    assert await revision_of(database_url) == head_revision()


async def test_version_before_leaves_the_schema_of_a_later_one_as_it_is(
    database_url: str, a_later_version: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await asyncio.to_thread(upgrade, database_url)
    monkeypatch.undo()  # the version before knows its own migrations alone
    with capture_logs() as logs:
        await asyncio.to_thread(upgrade, database_url)
    assert await revision_of(database_url) == a_later_version
    assert [line["event"] for line in logs] == ["schema_is_later"]


async def test_migrations_that_start_at_once_run_one_after_the_other(
    empty_database: str, tmp_path: Path
) -> None:
    holder = await connect(empty_database)
    await holder.execute("CREATE TABLE alembic_version (version_num varchar(32) PRIMARY KEY)")
    await holder.execute("BEGIN")
    await holder.execute("LOCK TABLE alembic_version")
    processes = []
    for number in range(2):
        folder = tmp_path / str(number)
        folder.mkdir()
        processes.append(Process("migrate", folder=folder, ASSAY_DATABASE_URL=empty_database))
    for process in processes:
        process.start()
    async with asyncio.timeout(60):
        while not await holder.fetchval(_WAITS_FOR_THE_OTHER):
            await asyncio.sleep(0.01)
    await holder.execute("ROLLBACK")
    await holder.close()
    ends = await asyncio.gather(
        *(asyncio.to_thread(process.end, signal.SIGCONT) for process in processes)
    )
    assert ends == [0, 0], [process.output.read_text() for process in processes]
    assert await revision_of(empty_database) == head_revision()
