"""Processes that die, or are overtaken, while they hold what a provider said, over real HTTP.

Whoever comes next finds out what was done, and a question is paid for once.
"""

import asyncio

import pytest

from tests.assessments.vendor_desk import (
    EVERYBODY,
    PENDING,
    READY,
    REFUSED,
    AssessmentHarness,
    failed,
    kill,
    until,
)
from tests.support.orders import end_leases
from tests.support.sandbox import HeldClock


@pytest.mark.parametrize("names", EVERYBODY)
async def test_an_answer_that_died_with_its_process_is_kept_by_the_next(
    desk: AssessmentHarness, names: str
) -> None:
    async with desk.asking(names) as asking:
        ensemble, dying = asking.dying
        request = asyncio.create_task(desk.ask(ensemble))
        await asyncio.gather(*(one.has_said.wait() for one in dying))
        await kill(request)
        assert await desk.seen() == PENDING
        assert await desk.finds_nothing(asking.ensemble)  # the lease still runs
        await end_leases(desk.database)
        assert await desk.finish(asking.ensemble) == READY
    assert await desk.paid_calls() == ("crystal" in names)


@pytest.mark.parametrize(
    ("when", "paid"), [("before", 0), ("after", 1)], ids=["before_the_work", "after_the_work"]
)
async def test_a_process_that_dies_while_crystal_is_at_work_pays_once(
    desk: AssessmentHarness, held: HeldClock, when: str, paid: int
) -> None:
    async def asked() -> bool:
        return await desk.vendors.requests("crystal", "tx_add") == 1

    await desk.fault("crystal", "timeout", when=when)
    async with desk.asking("crystal") as asking:
        request = asyncio.create_task(desk.ask(asking.ensemble))
        await until(asked)
        await kill(request)
        held.wake()
        assert (await desk.seen(), await desk.paid_calls()) == (PENDING, paid)
        await end_leases(desk.database)
        assert await desk.finish(asking.ensemble) == READY
    assert await desk.paid_calls() == 1


async def test_a_worker_that_dies_with_the_answer_pays_once(desk: AssessmentHarness) -> None:
    await desk.fault("crystal", "500")
    async with desk.asking("crystal") as asking:
        assert await desk.ask(asking.ensemble) == PENDING
        ensemble, (dying,) = asking.dying
        worker = asyncio.create_task(desk.finish(ensemble))
        await dying.has_said.wait()
        await kill(worker)
        await end_leases(desk.database)
        assert await desk.finish(asking.ensemble) == READY
    assert await desk.paid_calls() == 1


@pytest.mark.parametrize(("name", "how"), [("crystal", "refuse=400"), ("chainalysis", "400")])
async def test_a_refusal_that_died_with_its_process_is_refunded_once(
    desk: AssessmentHarness, name: str, how: str
) -> None:
    await desk.refuse(name, how)
    async with desk.asking(name) as asking:
        ensemble, (dying,) = asking.dying
        request = asyncio.create_task(desk.ask(ensemble))
        await dying.has_said.wait()
        await kill(request)
        assert await desk.seen() == PENDING
        await end_leases(desk.database)
        await desk.refuse(name, how)
        assert await desk.finish(asking.ensemble) == failed(REFUSED)


@pytest.mark.parametrize("how", ["ready", "refuse=400"])
async def test_a_process_that_wakes_when_its_question_is_finished_changes_nothing(
    desk: AssessmentHarness, how: str
) -> None:
    if how != "ready":
        await desk.refuse("crystal", how)
    async with desk.asking("crystal") as asking:
        ensemble, (dying,) = asking.dying
        request = asyncio.create_task(desk.ask(ensemble))
        await dying.has_said.wait()
        await desk.vendors.crystal()
        await end_leases(desk.database)
        assert await desk.finish(asking.ensemble) == READY
        dying.let_go.set()
        assert await request == READY
    assert await desk.paid_calls() == 1


async def test_an_answer_that_comes_when_the_credit_was_given_back_is_not_kept(
    desk: AssessmentHarness,
) -> None:
    async with desk.asking("chainalysis") as asking:
        ensemble, (dying,) = asking.dying
        request = asyncio.create_task(desk.ask(ensemble))
        await dying.has_said.wait()
        await desk.refuse("chainalysis", "400")
        await end_leases(desk.database)
        assert await desk.finish(asking.ensemble) == failed(REFUSED)
        dying.let_go.set()
        assert await request == failed(REFUSED)
