"""Crystal and Chainalysis asked together, over real HTTP: one credit, and each is asked once."""

import pytest

from tests.assessments.vendor_desk import (
    BROKEN,
    PENDING,
    READY,
    REFUSED,
    AssessmentHarness,
    failed,
)


async def test_an_answer_of_one_waits_for_the_other_and_is_asked_for_once(
    desk: AssessmentHarness,
) -> None:
    await desk.vendors.crystal(pending_looks=1)
    async with desk.asking("crystal+chainalysis") as asking:
        assert await desk.ask(asking.ensemble) == PENDING
        assert await desk.finish(asking.ensemble) == PENDING
        assert await desk.finish(asking.ensemble) == READY
    assert await desk.opinions() == {"crystal": None, "chainalysis": None}
    assert await desk.paid_calls() == 1
    assert await desk.vendors.requests("chainalysis", "sanctions") == 1


async def test_the_paid_answer_is_kept_while_the_free_one_cannot_be_had(
    desk: AssessmentHarness,
) -> None:
    await desk.fault("chainalysis", "500", times=3)
    async with desk.asking("crystal+chainalysis") as asking:
        assert await desk.ask(asking.ensemble) == PENDING
        assert [await desk.finish(asking.ensemble) for _ in range(3)] == [PENDING, PENDING, READY]
    assert await desk.vendors.requests("crystal", "tx_add") == 1
    assert await desk.vendors.requests("crystal", "batch_txs") == 0


@pytest.mark.parametrize(
    ("refusing", "how"), [("crystal", "refuse=400"), ("chainalysis", "400")], ids=str
)
async def test_one_answer_of_two_costs_the_credit(
    desk: AssessmentHarness, refusing: str, how: str
) -> None:
    await desk.refuse(refusing, how)
    async with desk.asking("crystal+chainalysis") as asking:
        assert await desk.ask(asking.ensemble) == READY
    opinions = await desk.opinions()
    assert opinions.pop(refusing) == REFUSED
    assert list(opinions.values()) == [None]


async def test_the_credit_comes_back_when_the_last_of_two_has_failed(
    desk: AssessmentHarness,
) -> None:
    await desk.fault("crystal", "400")
    await desk.fault("chainalysis", "500")
    await desk.fault("chainalysis", "400")
    async with desk.asking("crystal+chainalysis") as asking:
        assert await desk.ask(asking.ensemble) == PENDING
        assert await desk.finish(asking.ensemble) == failed(BROKEN)
    assert asking.alarms == ["crystal_Misplaced"]


async def test_what_one_lost_after_the_work_is_found_though_the_other_has_failed(
    desk: AssessmentHarness,
) -> None:
    await desk.fault("crystal", "drop", when="after")
    await desk.fault("chainalysis", "400")
    async with desk.asking("crystal+chainalysis") as asking:
        assert await desk.ask(asking.ensemble) == PENDING
        assert await desk.finish(asking.ensemble) == READY
    assert await desk.opinions() == {"crystal": None, "chainalysis": REFUSED}
    assert await desk.paid_calls() == 1
