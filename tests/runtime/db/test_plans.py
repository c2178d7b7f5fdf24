"""No hot statement reads a growing table from one end to the other, by the plans of PostgreSQL.

Statements are caught while the API is called and the loops tick, and planned again where scans of
whole tables are only the last resort: then one that is left has no index to go by.
"""

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

import httpx
import pytest
from sqlalchemy import event, text

from app.cli.benchmark_data import _parameters
from app.cli.benchmark_rows import Sizes, write_rows
from app.orders.rules.rails import Rail
from app.orders.store import SqlOrderStore
from app.runtime.db.connecting import BeginningConnection
from app.runtime.db.engine import Database
from app.runtime.loops.heartbeats import Heartbeats
from app.webhooks.worker.deliveries import loops as webhook_loops
from app.worker import housekeeping
from tests.api.asking import ask, learn_limits
from tests.api.ordering import ORDER
from tests.support.application import Application, open_application
from tests.support.cases import all_cases
from tests.support.people import PASSWORD, Person, make_access_code, make_user

# Enough for an index to be the cheaper way also where the planner weighs the ways of a subquery.
SIZES: Final = Sizes(
    accounts=20_000, orders=4000, ledger_entries=25_000, assessments=500, list_rows=1000
)
# Tables whose rows are as many as there are lists, loops, limits or wallets; and jobs that wait or
# have failed, for what is done is deleted.
SMALL: Final = frozenset(
    {
        "aeonto_parameters",
        "alembic_version",
        "bitcoin_wallets",
        "list_reviews",
        "list_versions",
        "loop_beats",
        "procrastinate_events",
        "procrastinate_jobs",
        "receipt_keys",
        "upstream_limits",
    }
)
# Partial indexes of what is open, due or unfinished, and of nothing else.
OF_WHAT_IS_OPEN: Final = frozenset(
    {
        "ix_assessments_next_try_at",
        "ix_assessments_without_canonical",
        "ix_assessments_without_spelling",
        "ix_list_entries_without_canonical",
        "ix_list_reviews_next_at",
        "ix_order_events_alarms",
        "ix_orders_due",
        "ix_orders_to_be_created",
        "ix_webhook_deliveries_busy",
        "ix_webhook_deliveries_pending",
        "ix_webhook_endpoints_enabled",
    }
)
# Some rows of the tables that `benchmark-data` leaves empty: of an empty table, any plan is good.
FILLED: Final = {
    "assessment_changes": """
        (assessment_id, source, to_version, found_at, is_listed, score_before, grade_before,
            score_after, grade_after, entries)
        SELECT 'asm_' || n, 'benchmark', 1, now(), true, 0, '', 1, '', '[]'""",
    "bitcoin_addresses": """
        (order_id, wallet_id, address_index, address, taken_at)
        SELECT 'ord_' || n, 'w', n, 'address ' || n, now()""",
    "bitcoin_outputs": """
        (txid, output_index, order_id, value_btc, confirmations, replaceable, arrived_at)
        SELECT lpad(n::text, 64, '0'), 0, 'ord_' || n, 1, 1, false, now()""",
    "failed_attempts": """
        (throttle, subject, failures, ends_at) SELECT 't', sha256(n::text::bytea), 1, now()""",
    "idempotency_keys": """
        (account_id, endpoint, key, request_hash, status, body, created_at)
        SELECT 'acc_' || n, 'e', 'k', sha256(''), 200, '', now()""",
    "payment_pages": """
        (token_hash, order_id, created_at, expires_at)
        SELECT sha256(n::text::bytea), 'ord_' || n, now(), now() + interval '1 day'""",
    "sessions": """
        (token_hash, user_id, created_at, expires_at)
        SELECT sha256(n::text::bytea), 'acc_' || n, now(), now()""",
    "webhook_endpoints": """
        (id, account_id, url, created_at, status, last_sequence, secret)
        SELECT 'whe_' || n, 'acc_' || n, '', now(), 'enabled', 0, ''""",
    "webhook_deliveries": """
        (id, endpoint_id, sequence, event_type, message_id, request_body, created_at, status)
        SELECT 'whd_' || n, 'whe_' || n, n, '', '', '', now(), 'delivered'""",
    "settlements": """
        (order_id, txid, output_index, confirmations, at)
        SELECT 'ord_' || n, lpad(n::text, 64, '0'), 0, 1, now()""",
}
ADDRESS: Final = "12Cyjf3qV6qLyXdzpLSLPdRFPUVidvnzFM"


@dataclass
class Caught:
    """Statements with the parameters that they were first sent with."""

    statements: dict[str, Sequence[object]] = field(default_factory=dict)

    def note(self, statement: str, parameters: Sequence[object]) -> None:
        """Remember a statement that can be planned."""
        if statement.split(maxsplit=1)[0] in {"SELECT", "INSERT", "UPDATE", "DELETE", "WITH"}:
            self.statements.setdefault(statement, parameters)


@contextmanager
def catching(database: Database) -> Iterator[Caught]:
    """Catch every statement, sent through SQLAlchemy or by the driver itself."""
    caught, fetch = Caught(), BeginningConnection.fetch

    def note(
        _connection: object,
        _cursor: object,
        statement: str,
        given: list[tuple[object, ...]] | tuple[object, ...],
        *_: object,
    ) -> None:
        caught.note(statement, given[0] if isinstance(given, list) else given)

    async def note_and_fetch(
        self: BeginningConnection, query: str, *args: object, **options: object
    ) -> object:
        caught.note(query, args)
        return await fetch(self, query, *args, **options)

    event.listen(database.engine.sync_engine, "before_cursor_execute", note)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(BeginningConnection, "fetch", note_and_fetch)
        yield caught
    event.remove(database.engine.sync_engine, "before_cursor_execute", note)


@pytest.fixture
async def application(committed_database: Database) -> AsyncIterator[Application]:
    """An application on a database with some rows of everything."""
    async with committed_database.engine.begin() as connection:
        await write_rows(connection, SIZES, _parameters())
        for table, rows in FILLED.items():
            await connection.execute(text(f"ALTER TABLE {table} DISABLE TRIGGER ALL"))
            await connection.execute(
                text(f"INSERT INTO {table} {rows} FROM generate_series(1, 500) n")
            )
        # Numbered by their triggers, which stay.
        await connection.execute(
            text(
                "INSERT INTO events (account_ids, type, at, data) SELECT ARRAY[id],"
                " 'order.updated', now(), '{}' FROM accounts LIMIT 500"
            )
        )
    async with open_application(committed_database, scripted=False) as application:
        await learn_limits(application)
        yield application


async def call_everything(application: Application, user: Person, code: Person) -> None:
    """Call what is called often, so that it succeeds."""
    question = {"assessment_type": "address", "address": ADDRESS, "currency": "BTC"}
    own = {"access_code": code.access_code}
    order = (await ask(application, "new_order", ORDER, user)).json()
    made = await ask(application, "create_new_assessment_for_access_code", own | question, user)
    batch = own | {"questions": [question, question | {"fresh": True}]}
    ids = own | {"assessment_id_list": [made.json()["assessment_id"]]}
    login = {"email": user.email, "password": PASSWORD}
    for path, body in (
        ("new_order", {**ORDER, "order_is_for_self": False, **own}),
        ("check_order_status", {"order_id": order["order_id"]}),
        ("check_access_code_status", own),
        ("create_new_assessment_for_access_code", own | question),
        ("create_new_assessments_for_access_code", batch),
        ("check_assessment_list_for_access_code", ids),
        ("login", login),
        ("api_keys", {}),
        ("access_codes", {}),
        (f"orders/{order['order_id']}/cancel", {}),
    ):
        answer = await ask(application, path, body, user)
        assert answer.is_success, (path, answer.text)
    for path in (f"orders/{order['order_id']}", f"assessments/{made.json()['assessment_id']}"):
        assert (await application.http.get(f"/api/{path}", headers=user.headers)).is_success
    link = await ask(application, f"orders/{order['order_id']}/payment_page", {}, user)
    page = await application.http.get(httpx.URL(link.json()["url"]).path)
    assert page.is_success, page.text
    for path in ("check_self_status", "orders", "assessments", "access_codes", "api_keys"):
        await read_pages(application, path, user)
    await read_pages(application, "assessments", code)
    of_code = {"access_code": code.access_code}
    for path, statuses in (("orders", ("TO_BE_CREATED", "CANCELLED")), ("assessments", ("ready",))):
        for filters in (*({"status": one} for one in statuses), {"client_reference": "none"}):
            for whose in ({}, of_code):
                for since in ({}, {"created_after": "2020-01-01T00:00:00Z"}):
                    await read_pages(application, path, user, filters | whose | since)
    for path in ("orders/export", "assessments/export", "ledger/export"):
        answer = await application.http.get(f"/api/{path}", headers=user.headers)
        assert answer.is_success, path
    for path in ("events", "events/stream"):
        answer = await application.http.get(f"/api/{path}", headers=user.headers)
        assert answer.is_success, path
    await read_pages(application, "ledger", user)
    await read_pages(application, "ledger", user, {"created_after": "2030-01-01T00:00:00Z"})


async def read_pages(
    application: Application, path: str, by: Person, filters: Mapping[str, str | None] | None = None
) -> None:
    """Read a list's first page, and the one after it."""
    query: dict[str, Any] = {} if path == "check_self_status" else {"limit": 1, **(filters or {})}
    for _ in range(2):
        answer = await application.http.get(f"/api/{path}", params=query, headers=by.headers)
        assert answer.status_code == 200, (path, answer.text)
        cursor = answer.json().get("next_cursor") if query else None
        if cursor is None:
            return
        query["cursor"] = cursor


async def tick_everything(application: Application) -> None:
    """Let the loops do what they do again and again, without asking AEON.to."""
    resources, now = application.resources, application.clock.now()
    store = SqlOrderStore(resources.database, resources.terms)
    await store.next_creation_at(["aside"])
    await store.claim_creation(now, ["aside"])
    await store.overdue(now)
    for rail in Rail:
        await store.next_poll_at(rail, ["aside"])
        await store.claim_poll(rail, now, ["aside"])
    for loop in (*housekeeping.loops(resources), *webhook_loops(resources)):
        await loop.tick()
    await resources.poll_hints.flush(resources.database, now)
    await Heartbeats(resources.clock, resources.metrics).save(resources.database)


async def plan_of(
    database: Database, statement: str, parameters: Sequence[object], *, loops: bool = True
) -> Mapping[str, Any]:
    """Return the plan of a statement where whole tables are read only if nothing else is possible.

    Without `loops`, rows of two tables are found in a nested loop only if nothing else is possible.
    """
    async with database.engine.connect() as connection:
        await connection.execute(text("SET LOCAL enable_seqscan = off"))
        await connection.execute(text(f"SET LOCAL enable_nestloop = {'on' if loops else 'off'}"))
        driver: Any = (await connection.get_raw_connection()).driver_connection
        plan = await driver.fetchval(f"EXPLAIN (FORMAT JSON) {statement}", *parameters)
        found: Mapping[str, Any] = plan[0]["Plan"]
        return found


def nodes_of(plan: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Return every node of a plan."""
    yield plan
    for inner in plan.get("Plans", ()):
        yield from nodes_of(inner)


def whole_scans(plan: Mapping[str, Any], tables: Mapping[str, str]) -> list[str]:
    """Return what reads all of a growing table, or of its index; `tables` are those of indexes."""
    found = []
    for node in nodes_of(plan):
        index = node.get("Index Name", "")
        table = node.get("Relation Name") or tables.get(index, "")
        if "Scan" not in node["Node Type"] or table in SMALL or not table:
            continue
        by_index = index and ("Index Cond" in node or index in OF_WHAT_IS_OPEN)
        if not by_index and node["Node Type"] != "Bitmap Heap Scan":
            found.append(f"{node['Node Type']} of {table} {index}")
    return found


async def test_no_hot_statement_reads_a_growing_table_from_end_to_end(
    application: Application,
) -> None:
    database, now = application.database, application.clock.now()
    user = await make_user(database, now, credits_given=50)
    code = await make_access_code(database, user, now, credits_given=50)
    async with database.engine.begin() as connection:  # one endpoint has deliveries to be made
        await connection.execute(
            text("UPDATE webhook_endpoints SET account_id = :id WHERE id = 'whe_1'"),
            {"id": user.account_id},
        )
    with catching(database) as caught:
        await call_everything(application, user, code)
        await tick_everything(application)
    async with database.reading() as connection:
        await connection.execute(text("ANALYZE"))
        rows = await connection.execute(text("SELECT indexname, tablename FROM pg_indexes"))
        tables = {row.indexname: row.tablename for row in rows}
    assert len(caught.statements) > 40
    with all_cases() as cases:
        for statement, parameters in caught.statements.items():
            with cases.case(" ".join(statement.split())):
                plan = await plan_of(database, statement, parameters)
                assert whole_scans(plan, tables) == []
                if (
                    "FROM account_events" in statement
                ):  # all are looked up, however few are expected
                    plan = await plan_of(database, statement, parameters, loops=False)
                    assert whole_scans(plan, tables) == []
