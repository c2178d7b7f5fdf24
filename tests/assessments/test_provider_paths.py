"""Every way a question can go: the service on a real database, the vendors over real HTTP.

Whatever happens on the way, a question costs one credit, and none if it failed for good.
"""

import asyncio
from typing import Final

import pytest

from app.assessments import provider_calls as asking_service
from app.assessments.claims import Subject
from app.assessments.providers.base import FailureReason
from app.assessments.rules.questions import AssessmentType
from app.partners import http as http_module
from tests.assessments.providers.vendors import KEY, question
from tests.assessments.vendor_desk import (
    ADDRESS,
    BROKEN,
    EVERYBODY,
    PENDING,
    READY,
    REFUSED,
    AssessmentHarness,
    failed,
    until,
)
from tests.support.clock import HandClock
from tests.support.deadlines import hold_deadlines
from tests.support.sandbox import HeldClock

# Ready, at once or later


@pytest.mark.parametrize("names", EVERYBODY)
async def test_an_answer_costs_one_credit(desk: AssessmentHarness, names: str) -> None:
    async with desk.asking(names) as asking:
        assert await desk.ask(asking.ensemble) == READY
        assert await desk.finds_nothing(asking.ensemble)
    assert asking.alarms == []
    assert await desk.paid_calls() == ("crystal" in names)


@pytest.mark.parametrize("names", ["crystal", "exposure"])
async def test_an_answer_about_a_transaction_costs_one_credit(
    desk: AssessmentHarness, names: str
) -> None:
    sent = await desk.vendors.upstream.press("chain/send", address=ADDRESS, satoshi=50_000)
    subject = Subject(AssessmentType.TRANSACTION, ADDRESS, "BTC", sent["txid"])
    async with desk.asking(names) as asking:
        assert await desk.ask(asking.ensemble, subject) == READY


@pytest.mark.parametrize("numbered", [False, True], ids=["text_ids", "number_ids"])
async def test_what_crystal_works_on_is_looked_at_until_it_is_ready(
    desk: AssessmentHarness, numbered: bool
) -> None:
    await desk.vendors.crystal(pending_looks=1, numbered=numbered)
    async with desk.asking("crystal") as asking:
        assert await desk.ask(asking.ensemble) == PENDING
        assert await desk.finish(asking.ensemble) == PENDING
        assert await desk.finish(asking.ensemble) == READY
    assert await desk.paid_calls() == 1
    assert await desk.vendors.requests("crystal", "tx_add") == 1


# Refused


CRYSTAL_REFUSES: Final = [
    ("refuse=400", REFUSED, []),
    ("refuse=404", REFUSED, []),
    ("refuse=422", REFUSED, []),
    ("refuse=200", REFUSED, []),  # an error code in an answer with status 200
    ("refuse=401", BROKEN, ["crystal_KeyRefused"]),
    ("refuse=402", BROKEN, ["crystal_OutOfCalls"]),
    ("calls_left=0", BROKEN, ["crystal_calls_none", "crystal_OutOfCalls"]),
    ("403", BROKEN, ["crystal_KeyRefused"]),  # these three are pages of something else
    ("400", BROKEN, ["crystal_Misplaced"]),
    ("404", BROKEN, ["crystal_Misplaced"]),
]
REFUSALS: Final = [
    *(("crystal", *row) for row in CRYSTAL_REFUSES),
    ("chainalysis", "400", REFUSED, []),
    ("chainalysis", "404", REFUSED, []),
    ("chainalysis", "403", BROKEN, ["chainalysis_KeyRefused"]),
    ("exposure", "403", BROKEN, ["exposure_Refused"]),
]


@pytest.mark.parametrize(("name", "how", "reason", "alarms"), REFUSALS)
async def test_a_refusal_gives_the_credit_back_and_rings_where_an_operator_must_look(
    desk: AssessmentHarness, name: str, how: str, reason: str, alarms: list[str]
) -> None:
    await desk.refuse(name, how)
    async with desk.asking(name) as asking:
        assert await desk.ask(asking.ensemble) == failed(reason)
        assert await desk.finds_nothing(asking.ensemble)
    assert asking.alarms == alarms
    assert await desk.paid_calls() == 0


@pytest.mark.parametrize(("name", "how", "reason", "alarms"), REFUSALS)
async def test_a_refusal_that_the_worker_meets_gives_the_credit_back(
    desk: AssessmentHarness, name: str, how: str, reason: str, alarms: list[str]
) -> None:
    await desk.fault(name, "500")
    await desk.refuse(name, how)
    async with desk.asking(name) as asking:
        assert await desk.ask(asking.ensemble) == PENDING
        assert (await desk.try_again(asking.ensemble)).refunded
        assert await desk.seen() == failed(reason)
        assert await desk.finds_nothing(asking.ensemble)
    assert asking.alarms == alarms


@pytest.mark.parametrize(
    ("name", "key"), [("crystal", "wrong"), ("chainalysis", "wrong"), ("chainalysis", "")]
)
async def test_a_key_that_is_refused_gives_the_credit_back(
    desk: AssessmentHarness, name: str, key: str
) -> None:
    async with desk.asking(name, key=key) as asking:
        assert await desk.ask(asking.ensemble) == failed(BROKEN)
    assert asking.alarms == [f"{name}_KeyRefused"]


async def test_a_key_that_is_refused_leaves_unknown_what_crystal_did_before(
    desk: AssessmentHarness,
) -> None:
    await desk.fault("crystal", "drop")
    async with desk.asking("crystal") as asking:
        assert await desk.ask(asking.ensemble) == PENDING
    async with desk.asking("crystal", key="wrong") as asking:
        assert await desk.finish(asking.ensemble) == PENDING
    async with desk.asking("crystal", key=KEY) as asking:
        assert await desk.finish(asking.ensemble) == READY
    assert await desk.paid_calls() == 1


@pytest.mark.parametrize("tx_hash", ["ab" * 32, "nonsense"])
async def test_a_transaction_that_the_chain_does_not_know_gives_the_credit_back(
    desk: AssessmentHarness, tx_hash: str
) -> None:
    subject = Subject(AssessmentType.TRANSACTION, ADDRESS, "BTC", tx_hash)
    async with desk.asking("exposure") as asking:
        assert await desk.ask(asking.ensemble, subject) == failed(FailureReason.NO_PART)


# Not now: surely nothing was done


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("crystal", "429"),
        *(("chainalysis", kind) for kind in ("429", "500", "503", "drop", "html", "malformed")),
        *(("exposure", kind) for kind in ("429", "500", "503", "drop", "html", "malformed")),
    ],
)
async def test_what_was_surely_not_done_is_asked_again_and_was_not_asked(
    desk: AssessmentHarness, name: str, kind: str
) -> None:
    await desk.fault(name, kind)
    async with desk.asking(name) as asking:
        assert await desk.ask(asking.ensemble) == PENDING
        assert await desk.asks(name) == 0
    async with desk.asking(name) as later:  # a client that does not wait for its Retry-After
        assert await desk.finish(later.ensemble) == READY
    assert asking.alarms == later.alarms == []
    assert await desk.vendors.requests("crystal", "batch_txs") == 0


async def test_crystal_is_asked_when_it_can_be_reached_again(desk: AssessmentHarness) -> None:
    root = desk.vendors.root
    desk.vendors.root = "http://127.0.0.1:1"
    async with desk.asking("crystal") as asking:
        assert await desk.ask(asking.ensemble) == PENDING
    desk.vendors.root = root
    async with desk.asking("crystal") as asking:
        assert await desk.finish(asking.ensemble) == READY
    assert await desk.paid_calls() == 1


# Lost, before the work or after it


@pytest.mark.parametrize("kind", ["500", "503", "drop", "reset"])
async def test_a_question_that_was_lost_before_the_work_is_asked_again(
    desk: AssessmentHarness, kind: str
) -> None:
    await desk.fault("crystal", kind, when="before")
    async with desk.asking("crystal") as asking:
        assert await desk.ask(asking.ensemble) == PENDING
        assert (await desk.asks("crystal"), await desk.paid_calls()) == (1, 0)
        assert await desk.finish(asking.ensemble) == READY
    assert (await desk.asks("crystal"), await desk.paid_calls()) == (2, 1)


@pytest.mark.parametrize(
    "kind", ["500", "503", "drop", "reset", "html", "empty", "malformed", "negative", "huge"]
)
async def test_an_answer_that_was_lost_after_the_work_is_found_and_not_paid_twice(
    desk: AssessmentHarness, kind: str
) -> None:
    await desk.fault("crystal", kind, when="after")
    async with desk.asking("crystal") as asking:
        assert await desk.ask(asking.ensemble) == PENDING
        assert await desk.paid_calls() == 1
        assert await desk.finish(asking.ensemble) == READY
    assert await desk.paid_calls() == 1
    assert await desk.vendors.requests("crystal", "tx_add") == 1


async def test_an_answer_that_comes_too_late_for_its_call_is_found_and_not_paid_twice(
    desk: AssessmentHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def has_paid() -> bool:
        return await desk.paid_calls() == 1

    await desk.fault("crystal", "timeout", when="after")
    with monkeypatch.context() as patch:
        deadlines = hold_deadlines(patch, http_module)
        async with desk.asking("crystal") as hurried:
            asked = asyncio.create_task(desk.ask(hurried.ensemble))
            await until(has_paid)
            deadlines.expire()
            assert await asked == PENDING
    async with desk.asking("crystal") as asking:
        assert await desk.finish(asking.ensemble) == READY
    assert await desk.paid_calls() == 1


async def test_an_answer_that_comes_too_late_for_its_request_is_found_and_not_paid_twice(
    desk: AssessmentHarness, held: HeldClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def has_paid() -> bool:
        return await desk.paid_calls() == 1

    await desk.fault("crystal", "timeout", when="after")
    async with desk.asking("crystal") as asking:
        with monkeypatch.context() as patch:
            deadlines = hold_deadlines(patch, asking_service)
            asked = asyncio.create_task(desk.ask(asking.ensemble))
            await until(has_paid)
            deadlines.expire()
            assert await asked == PENDING
        assert await desk.finish(asking.ensemble) == READY
        held.wake()
        assert await desk.seen() == READY
    assert await desk.paid_calls() == 1


async def test_a_question_beyond_the_end_of_the_search_is_not_taken_for_one_never_asked(
    desk: AssessmentHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.partners.crystal.wire.SEARCHED", 2)
    monkeypatch.setattr("app.partners.crystal.wire.PAGES", 1)
    await desk.fault("crystal", "drop", when="after")
    async with desk.asking("crystal") as asking:
        assert await desk.ask(asking.ensemble) == PENDING
        for _ in range(2):
            await asking.providers[0].assess(question(ADDRESS, "BTC"))
        assert await desk.finish(asking.ensemble) == PENDING
        assert await desk.paid_calls() == 3
        monkeypatch.undo()
        assert await desk.finish(asking.ensemble) == READY
    assert await desk.paid_calls() == 3


async def test_a_search_goes_on_to_the_page_that_has_the_question(
    desk: AssessmentHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.partners.crystal.wire.SEARCHED", 2)
    await desk.fault("crystal", "drop", when="after")
    async with desk.asking("crystal") as asking:
        assert await desk.ask(asking.ensemble) == PENDING
        for _ in range(4):
            await asking.providers[0].assess(question(ADDRESS, "BTC"))
        assert await desk.finish(asking.ensemble) == READY
    assert await desk.paid_calls() == 5


async def test_a_search_that_goes_back_far_enough_says_that_nothing_was_asked(
    desk: AssessmentHarness, clock: HandClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.partners.crystal.wire.SEARCHED", 2)
    clock.advance(10 * 365 * 24 * 3600)  # beyond the vendors' clock, which is the machine's
    async with desk.asking("crystal") as asking:
        for _ in range(2):
            await asking.providers[0].assess(question(ADDRESS, "BTC"))
        await desk.fault("crystal", "drop", when="before")
        assert await desk.ask(asking.ensemble) == PENDING
        assert await desk.finish(asking.ensemble) == READY
    assert await desk.paid_calls() == 3


async def test_crystal_that_cannot_say_is_asked_twice_at_most_for_one_credit(
    desk: AssessmentHarness,
) -> None:
    await desk.fault("crystal", "drop", when="after", times=-1)
    await desk.fault("crystal", "500", endpoint="batch_txs", times=-1)
    async with desk.asking("crystal") as asking:
        assert await desk.ask(asking.ensemble) == PENDING
        again = [(await desk.try_again(asking.ensemble)).asked_again for _ in range(9)]
        assert [names for names in again if names] == [("crystal",)]
        assert await desk.paid_calls() == await desk.asks("crystal") == 2
        await desk.vendors.upstream.no_faults()
        assert await desk.finish(asking.ensemble) == READY
    assert await desk.paid_calls() == 2
