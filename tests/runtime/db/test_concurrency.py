"""Turns: so many at once, and nobody waits without end."""

import asyncio

import pytest

from app.runtime.db.concurrency import ConcurrencyLimit, ConcurrencyLimitReached
from app.runtime.db.failures import Unavailable, unavailability


async def test_whoever_gets_no_turn_in_time_is_told_that_it_is_busy_and_has_not_run() -> None:
    concurrency, ran = ConcurrencyLimit(1, within_seconds=0.01), False
    async with concurrency.one():
        assert concurrency.all_taken()
        with pytest.raises(
            ConcurrencyLimitReached, match=r"no permit within 0\.01 seconds"
        ) as refused:
            async with concurrency.one():
                ran = True
    assert not ran
    assert unavailability(refused.value) is Unavailable.BUSY
    assert not concurrency.all_taken()


async def test_turns_are_given_back_by_faults_and_by_waiters_that_go_away() -> None:
    concurrency = ConcurrencyLimit(1, within_seconds=60)

    async def fail() -> None:
        async with concurrency.one():
            raise KeyError

    with pytest.raises(KeyError):
        await fail()
    async with concurrency.one():
        waiter = asyncio.create_task(fail())
        await asyncio.sleep(0)
        waiter.cancel()
        await asyncio.gather(waiter, return_exceptions=True)
    assert not concurrency.all_taken()
