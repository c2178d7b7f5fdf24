"""Who gets the next connection of the pool, and how long one request waits for all it needs."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from sqlalchemy import make_url
from sqlalchemy.exc import TimeoutError as PoolTimeout

from app.runtime.db import engine
from app.runtime.db.engine import Database, create_database
from app.runtime.db.failures import Unavailable, unavailability
from app.runtime.db.pool import Places, RequestWait, waiting_as_one_request


@pytest.fixture
async def small(database_url: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Database]:
    """A database of one connection, for which nobody waits long."""
    monkeypatch.setattr(engine, "_POOL_TIMEOUT_SECONDS", 0.01)
    database = create_database(database_url, pool_size=1)
    yield database
    await database.dispose()


async def _use(database: Database) -> None:
    async with database.reading():
        pass


async def test_a_request_that_has_begun_and_a_loop_go_before_requests_that_are_new() -> None:
    places, order = Places(1), list[str]()

    async def take(name: str) -> None:
        await places.take(60)
        order.append(name)
        places.give_back()

    async def request(name: str, *, has_begun: bool) -> None:
        with waiting_as_one_request():
            if has_begun:
                assert places.take_free()
                places.give_back()
                await asyncio.sleep(0)
            await take(name)

    begun = asyncio.create_task(request("begun", has_begun=True))
    await asyncio.sleep(0)
    assert places.take_free()
    new = [asyncio.create_task(request(name, has_begun=False)) for name in ("new", "newer")]
    loop = asyncio.create_task(take("loop"))
    await asyncio.sleep(0)
    assert not places.take_free()

    places.give_back()
    await asyncio.gather(begun, *new, loop)

    assert order == ["begun", "loop", "new", "newer"]


def test_a_request_waits_so_long_for_its_first_connection_and_so_long_for_all_others() -> None:
    wait = RequestWait()
    left = [wait.seconds_left(2)]
    for waited_seconds in (1.5, 1.5, 0.5):
        wait.count(waited_seconds)
        left.append(wait.seconds_left(2))

    assert left == [2, 2, 0.5, 0]


async def test_a_pool_that_is_all_lent_is_busy_for_a_request_at_either_wait(
    small: Database,
) -> None:
    async with small.reading():
        with waiting_as_one_request(), pytest.raises(PoolTimeout) as first:
            await _use(small)
    with waiting_as_one_request():
        async with small.reading():
            with pytest.raises(PoolTimeout) as second:
                await _use(small)

    for refused in (first, second):
        assert unavailability(refused.value) is Unavailable.BUSY
        assert str(refused.value) == "all 1 connections of the pool were lent for 0.01 seconds"


async def test_a_place_is_not_lost_to_who_is_cancelled_as_it_gets_one() -> None:
    places = Places(1)
    assert places.take_free()
    waiting = asyncio.create_task(places.take(60))
    await asyncio.sleep(0)

    places.give_back()
    waiting.cancel()
    await asyncio.wait({waiting})

    assert waiting.cancelled()
    assert places.take_free()


async def test_a_place_is_not_lost_to_a_connection_that_fails_or_breaks(database_url: str) -> None:
    nowhere = make_url(database_url).set(database="no_such_database")
    database = create_database(nowhere.render_as_string(hide_password=False), pool_size=1)
    for _ in range(3):
        with pytest.raises(Exception, match="does not exist") as refused:
            await _use(database)
        assert unavailability(refused.value) is Unavailable.AWAY
    await database.dispose()

    database = create_database(database_url, pool_size=1)
    for _ in range(3):
        async with database.reading() as connection:
            await connection.invalidate()
    await _use(database)
    await database.dispose()
