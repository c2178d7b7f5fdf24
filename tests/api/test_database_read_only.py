"""A database that answers and takes no changes, or is busy: 503 with Retry-After, and soon over."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any, Final

import httpx
import pytest
from sqlalchemy import text
from structlog.testing import capture_logs

from app.runtime.db import writability
from app.runtime.db.engine import Database, create_database
from tests.api import problems
from tests.api.asking import refusal
from tests.api.test_database_away import OPERATIONS, ORDER
from tests.support.application import Application, open_application
from tests.support.databases import let_changes, run_alone
from tests.support.people import Person, make_access_code, make_user
from tests.support.server import learn_parameters

# Every SQLSTATE by which PostgreSQL says "not now", and what the caller is told.
NOT_NOW: Final = {
    problems.DATABASE_READ_ONLY: ("25006", "53100"),
    problems.BUSY: (
        *("25P03", "25P04", "40000", "40001", "40P01", "53000", "53200", "53300", "53400"),
        *("55006", "55P03", "57014", "72000"),
    ),
    problems.DATABASE_AWAY: (
        *("08000", "08003", "08006", "08P01", "28000", "28P01", "3D000", "40003"),
        *("57000", "57P01", "57P02", "57P03", "57P04", "57P05", "58000", "58030"),
    ),
}


@pytest.fixture
async def application(committed_database: Database) -> AsyncIterator[Application]:
    """An application on a database of its own."""
    async with open_application(committed_database) as opened:
        await learn_parameters(committed_database, opened.clock.now())
        yield opened


@pytest.fixture
async def buyer(application: Application) -> Person:
    """Somebody with credits."""
    return await make_user(application.database, datetime.now(UTC), credits_given=5)


async def end_sessions(database: Database) -> None:
    """End all other sessions, and wait up to 60 s until each has gone."""
    await run_alone(
        _text(database),
        "SELECT pg_terminate_backend(pid, 60000) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()",
    )


async def order(application: Application, buyer: Person) -> httpx.Response:
    return await application.http.post("/api/new_order", headers=buyer.headers, json=ORDER)


async def reasons(application: Application) -> list[str]:
    answer = await application.http.get("/readyz")
    said: dict[str, Any] = answer.json()
    assert answer.status_code == (503 if said["reasons"] else 200)
    return list(said["reasons"])


async def test_a_read_only_database_is_503_for_changes_and_heals_at_once(
    application: Application, buyer: Person
) -> None:
    code = await make_access_code(application.database, buyer, datetime.now(UTC), credits_given=2)
    await let_changes(_text(application.database), allowed=False)
    await end_sessions(application.database)
    assert await reasons(application) == ["the database takes no changes: it is read only"]
    for operation, given in OPERATIONS.items():
        method, path = operation.split(" ")
        body = (
            given and {**given, "access_code": code.access_code}
            if "access_code" in (given or {})
            else given
        )
        answer = await application.http.request(
            method,
            path.format(
                access_code=code.access_code,
                assessment_id="asm_1",
                order_id="ord_1",
                prefix="0",
                webhook_endpoint_id="whe_1",
                webhook_delivery_id="whd_1",
            ),
            headers=buyer.headers,
            json=body,
        )
        assert answer.status_code < 500 or refusal(answer) == problems.DATABASE_READ_ONLY, operation
        if answer.status_code == 503:
            assert answer.headers["Retry-After"] == "5"
    assert refusal(await order(application, buyer)) == problems.DATABASE_READ_ONLY
    answer = await application.http.get("/api/orders", headers=buyer.headers)
    assert answer.status_code == 200, "what only reads goes on"

    await let_changes(_text(application.database), allowed=True)
    assert (await order(application, buyer)).status_code == 201
    assert await reasons(application) == []


async def test_every_state_that_means_not_now_is_503_and_not_a_fault(
    application: Application, buyer: Person
) -> None:
    for problem, states in NOT_NOW.items():
        for state in states:
            await refuse_orders(application.database, state)
            answer = await order(application, buyer)
            assert refusal(answer) == problem, state
            assert int(answer.headers["Retry-After"]) > 0
    await allow_orders(application.database)
    assert (await order(application, buyer)).status_code == 201


async def test_a_full_disk_is_not_ready_until_the_change_succeeds(
    application: Application, buyer: Person
) -> None:
    assert await reasons(application) == []
    await refuse_orders(application.database, "53100")
    assert refusal(await order(application, buyer)) == problems.DATABASE_READ_ONLY
    assert await reasons(application) == [
        "the database refused a change a moment ago; the log says why"
    ]
    login = await application.http.post("/api/access_codes", headers=buyer.headers, json={})
    assert login.status_code == 201, "another change had room"
    assert len(await reasons(application)) == 1
    await allow_orders(application.database)
    assert (await order(application, buyer)).status_code == 201
    assert await reasons(application) == []


async def test_a_full_disk_that_nobody_meets_again_is_forgotten(
    application: Application, buyer: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    await refuse_orders(application.database, "53100")
    await order(application, buyer)
    assert len(await reasons(application)) == 1
    monkeypatch.setattr(writability, "_REMEMBER_SECONDS", 0.0)
    assert await reasons(application) == []


async def test_words_that_mean_read_only_are_told_from_their_state_alone(
    application: Application, buyer: Person
) -> None:
    for state, words in (
        ("54000", "database is not accepting commands to avoid wraparound data loss"),
        ("42501", 'could not open file "base/1": Read-only file system'),
    ):
        await refuse_orders(application.database, state, words)
        assert refusal(await order(application, buyer)) == problems.DATABASE_READ_ONLY
        await refuse_orders(application.database, state)
        with capture_logs():
            assert (await order(application, buyer)).status_code == 500


async def test_a_read_only_session_is_not_kept(committed_database: Database) -> None:
    url = _text(committed_database)
    await let_changes(url, allowed=False)
    database = create_database(url, pool_size=1)
    numbers = []
    for allowed in (False, True, True):
        await let_changes(url, allowed=allowed)
        async with database.reading() as connection:
            numbers.append(await connection.scalar(text("SELECT pg_backend_pid()")))
    assert numbers[0] != numbers[1] == numbers[2]
    await database.dispose()


def _text(database: Database) -> str:
    return database.url


async def refuse_orders(database: Database, state: str, words: str = "not now") -> None:
    """Let PostgreSQL refuse every new order with a state."""
    await run_alone(
        _text(database),
        "CREATE OR REPLACE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        f" RAISE EXCEPTION '{words}' USING ERRCODE = '{state}'; END $$;"
        " CREATE OR REPLACE TRIGGER refuse BEFORE INSERT ON orders"
        " FOR EACH ROW EXECUTE FUNCTION refuse()",
    )


async def allow_orders(database: Database) -> None:
    await run_alone(_text(database), "DROP TRIGGER refuse ON orders")
