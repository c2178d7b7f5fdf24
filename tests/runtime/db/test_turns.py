"""Turns: so many at once, and nobody waits without end."""

import asyncio

import pytest

from app.runtime.db.failures import Unavailable, unavailability
from app.runtime.db.turns import NoTurn, Turns


async def test_whoever_gets_no_turn_in_time_is_told_that_it_is_busy_and_has_not_run() -> None:
    turns, ran = Turns(1, within_seconds=0.01), False
    async with turns.one():
        assert turns.all_taken()
        with pytest.raises(NoTurn, match=r"no turn came within 0\.01 seconds") as refused:
            async with turns.one():
                ran = True
    assert not ran
    assert unavailability(refused.value) is Unavailable.BUSY
    assert not turns.all_taken()


async def test_turns_are_given_back_by_faults_and_by_waiters_that_go_away() -> None:
    turns = Turns(1, within_seconds=60)

    async def fail() -> None:
        async with turns.one():
            raise KeyError

    with pytest.raises(KeyError):
        await fail()
    async with turns.one():
        waiter = asyncio.create_task(fail())
        await asyncio.sleep(0)
        waiter.cancel()
        await asyncio.gather(waiter, return_exceptions=True)
    assert not turns.all_taken()
