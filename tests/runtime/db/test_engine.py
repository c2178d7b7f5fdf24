"""The engine: what its sessions and connections allow, and what a restart of the server costs."""

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, InvalidRequestError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from app.runtime.db import engine
from app.runtime.db.connecting import BeginningConnection
from app.runtime.db.embedded import EmbeddedPostgres
from app.runtime.db.engine import Database, create_database
from tests.support.databases import LentDatabase


@pytest.fixture
async def folder() -> AsyncIterator[Path]:
    state = Path(tempfile.mkdtemp(prefix="assay-tests-"))
    yield state
    shutil.rmtree(state)


async def _number(database: Database) -> int:
    async with database.reading() as connection:
        return int((await connection.execute(text("SELECT pg_backend_pid()"))).scalar_one())


async def _insert_twice(database: Database) -> None:
    async with database.sessions() as session, session.begin():
        await session.execute(text("INSERT INTO kept VALUES (2)"))
        await session.execute(text("INSERT INTO kept VALUES (2)"))


async def test_query_outside_of_a_transaction_is_refused(committed_database: Database) -> None:
    async with committed_database.sessions() as session:
        with pytest.raises(InvalidRequestError, match="begin"):
            await session.execute(text("SELECT 1"))


async def test_reading_is_outside_of_any_transaction_block(committed_database: Database) -> None:
    async with committed_database.reading() as connection:
        await connection.execute(text("CREATE TABLE written (id int)"))
        times = [
            (await connection.execute(text("SELECT transaction_timestamp()"))).scalar_one()
            for _ in range(2)
        ]
    assert times[0] < times[1]


async def test_sessions_of_the_server_say_who_they_are_and_give_up_in_time(
    committed_database: Database,
) -> None:
    expected = {
        "application_name": "assay",
        "statement_timeout": "5s",
        "lock_timeout": "2s",
        "idle_in_transaction_session_timeout": "10s",
        "TimeZone": "UTC",
    }
    async with committed_database.reading() as connection:
        query = text("SELECT current_setting(:name)")
        found = {
            name: (await connection.execute(query, {"name": name})).scalar_one()
            for name in expected
        }
    assert found == expected


async def _prepared(database: Database) -> int:
    async with database.sessions() as session, session.begin():
        for _ in range(3):
            await session.execute(text("SELECT CAST(:x AS int)"), {"x": 1})
        found = await session.scalar(text("SELECT count(*) FROM pg_prepared_statements"))
    return int(found or 0)


async def test_server_that_answers_itself_keeps_statements_and_begins_plainly(
    database_url: str,
) -> None:
    database = create_database(database_url, pool_size=1)
    assert await _prepared(database) >= 1
    async with database.reading() as connection:
        driver: Any = (await connection.get_raw_connection()).driver_connection
        assert await driver.fetchval("SHOW lock_timeout") == "2s"
        assert driver.begin_with == ""
    await database.dispose()


async def test_behind_a_pooler_nothing_is_left_to_the_session(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(BeginningConnection, "get_server_pid", lambda _: 1)  # as a pooler greets
    database = create_database(database_url, pool_size=1)
    assert await _prepared(database) == 0
    for lend in (database.reading, database.engine.connect):
        async with lend() as connection:
            query = text("SELECT current_setting('lock_timeout'), transaction_timestamp()")
            times = [(await connection.execute(query)).one() for _ in range(2)]
        assert times[0].current_setting == "2s"
        assert times[0] == times[1], "one transaction"
    async with database.reading() as connection:
        driver: Any = (await connection.get_raw_connection()).driver_connection
        assert await driver.fetchval("SHOW lock_timeout") == "0", "outside of a transaction"
    await database.dispose()


async def test_what_is_written_behind_a_pooler_by_a_single_statement_stays(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(BeginningConnection, "get_server_pid", lambda _: 1)
    database = create_database(database_url, pool_size=1)
    async with database.reading() as connection:
        await connection.execute(text("CREATE TABLE written (id int)"))
    async with database.reading() as connection:
        assert (await connection.execute(text("SELECT count(*) FROM written"))).scalar_one() == 0
    await database.dispose()


async def test_pool_that_is_all_lent_is_a_timeout(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "_POOL_TIMEOUT_SECONDS", 0.01)
    database = create_database(database_url, pool_size=1)
    async with database.reading():
        with pytest.raises(PoolTimeoutError):
            await _number(database)
    await database.dispose()


async def test_restart_of_the_server_fails_no_later_request(folder: Path) -> None:
    server = EmbeddedPostgres(folder, throwaway=True)
    database = create_database(await server.start())
    before = await asyncio.gather(*(_number(database) for _ in range(3)))
    await server.stop()
    await server.start()
    after = await asyncio.gather(*(_number(database) for _ in range(3)))
    assert not set(before) & set(after)
    await database.dispose()
    await server.stop()


async def test_lent_database_keeps_what_was_committed_when_later_work_fails(
    database: LentDatabase,
) -> None:
    async with database.sessions() as session, session.begin():
        await session.execute(text("CREATE TABLE kept (id int PRIMARY KEY)"))
        await session.execute(text("INSERT INTO kept VALUES (1)"))
    with pytest.raises(DBAPIError):
        await _insert_twice(database)
    async with database.reading() as connection:
        assert (await connection.execute(text("SELECT id FROM kept"))).scalars().all() == [1]


@pytest.mark.parametrize("time", ["first", "second"])
async def test_lent_database_forgets_everything_after_a_test(
    database: LentDatabase, time: str
) -> None:
    async with database.sessions() as session, session.begin():
        await session.execute(text("CREATE TABLE forgotten (id int)"))


async def test_own_copy_is_seen_by_every_connection(committed_database: Database) -> None:
    async with committed_database.sessions() as session, session.begin():
        await session.execute(text("CREATE TABLE seen (id int)"))
    async with committed_database.reading() as one, committed_database.reading() as other:
        for connection in (one, other):
            assert (await connection.execute(text("SELECT count(*) FROM seen"))).scalar_one() == 0
