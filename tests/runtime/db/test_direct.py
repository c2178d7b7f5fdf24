"""Statements on the driver itself: what they share with all others, and what becomes of the connection."""

import asyncio
from datetime import UTC, datetime, timedelta
from unittest.mock import AsyncMock

import pytest
from asyncpg import InternalClientError, PostgresError

from app.runtime.db.connecting import BeginningConnection
from app.runtime.db.direct import Statement
from app.runtime.db.engine import Database, create_database
from app.runtime.db.failures import Unavailable, unavailability
from tests.support.databases import let_changes, run_alone

SESSION = Statement("SELECT pg_backend_pid(), current_setting('lock_timeout') AS lock_timeout")
WRITE = Statement("INSERT INTO written VALUES (:number)")
COUNT = Statement("SELECT count(*) FROM written")
TABLE = "CREATE TABLE written (number int)"


def test_parameters_are_numbered_once_each_and_casts_are_none() -> None:
    statement = Statement("SELECT :b::text, :a, ':'::text || :b, now() - '1:02'::interval")
    assert statement.sql == "SELECT $1::text, $2, ':'::text || $1, now() - '1:02'::interval"
    assert statement.arguments({"a": 1, "b": 2, "c": 3}) == [2, 1]
    with pytest.raises(KeyError, match="b"):
        statement.arguments({"a": 1})


@pytest.mark.parametrize("pooled", [False, True], ids=["direct", "pooler"])
async def test_statement_has_the_timeouts_and_is_committed(
    database_url: str, monkeypatch: pytest.MonkeyPatch, *, pooled: bool
) -> None:
    if pooled:
        monkeypatch.setattr(BeginningConnection, "get_server_pid", lambda _: 1)
    database, other = [create_database(database_url, pool_size=1) for _ in range(2)]
    await run_alone(database_url, TABLE)
    for _ in range(2):
        row = await database.fetch_row(SESSION)
        assert row is not None
        assert row["lock_timeout"] == "2s"
    assert await database.fetch(WRITE, number=1) == []
    with pytest.raises(PostgresError, match="division by zero"):
        await database.fetch(Statement("INSERT INTO written SELECT 1 / :number"), number=0)
    assert (await other.fetch(COUNT))[0]["count"] == 1
    for one in (database, other):
        assert one.engine.pool.checkedout() == 0  # type: ignore[attr-defined]
        await one.dispose()


async def test_lost_connection_is_a_database_that_is_away_and_the_next_is_another(
    committed_database: Database, database_url: str
) -> None:
    row = await committed_database.fetch_row(SESSION)
    assert row is not None
    waits = asyncio.create_task(committed_database.fetch(Statement("SELECT pg_sleep(60)")))
    ended = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE '%sleep(60)%'"
    while not waits.done():
        await run_alone(database_url, f"{ended} AND pid <> pg_backend_pid()")
    assert unavailability(waits.exception() or Exception()) is Unavailable.AWAY
    again = await committed_database.fetch_row(SESSION)
    assert again is not None


async def test_driver_that_lost_its_place_is_a_database_that_is_away_and_its_connection_goes(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = create_database(database_url, pool_size=1)
    before = await database.fetch_row(SESSION)
    with monkeypatch.context() as patch:
        fault = InternalClientError("cannot switch to state 12; another operation is in progress")
        patch.setattr(BeginningConnection, "fetch", AsyncMock(side_effect=fault))
        with pytest.raises(InternalClientError) as lost:
            await database.fetch(SESSION)
    assert unavailability(lost.value) is Unavailable.AWAY
    after = await database.fetch_row(SESSION)
    assert before is not None
    assert after is not None
    assert after["pg_backend_pid"] != before["pg_backend_pid"]
    await database.dispose()


async def test_cancelled_statement_gives_its_connection_up(database_url: str) -> None:
    database = create_database(database_url, pool_size=1)
    first = await database.fetch_row(SESSION)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await database.fetch(Statement("SELECT pg_sleep(60)"))
    second = await database.fetch_row(SESSION)
    assert first is not None
    assert second is not None
    assert first["pg_backend_pid"] != second["pg_backend_pid"]
    await database.dispose()


async def test_session_that_is_read_only_is_given_up_and_other_refusals_are_remembered(
    database_url: str,
) -> None:
    await run_alone(database_url, TABLE)
    await let_changes(database_url, allowed=False)
    database = create_database(database_url, pool_size=1)
    with pytest.raises(PostgresError) as refused:
        await database.fetch(WRITE, number=1)
    assert unavailability(refused.value) is Unavailable.READ_ONLY
    await let_changes(database_url, allowed=True)
    await database.fetch(WRITE, number=1)

    full = Statement(
        "DO $$ BEGIN RAISE 'no space left on device' USING ERRCODE = 'disk_full'; END $$"
    )
    with pytest.raises(PostgresError):
        await database.fetch(full)
    assert database.writability.refused_lately()
    database.writability.forget_refusal(full.sql)
    assert not database.writability.refused_lately()
    await database.dispose()


async def test_values_keep_their_types(committed_database: Database) -> None:
    at = datetime(2026, 1, 31, 12, 0, 0, 1, tzinfo=UTC)
    row = await committed_database.fetch_row(
        Statement("SELECT :at::timestamptz + '1 s' AS later, jsonb_build_object('a', 1) AS said"),
        at=at,
    )
    assert row is not None
    assert (row["later"], row["said"]) == (at + timedelta(seconds=1), {"a": 1})
