"""Every way a question can go: the service on a real database, the vendors over real HTTP.

Whatever happens on the way, a question costs one credit, and none if it failed for good.
"""

import asyncio
from collections.abc import AsyncIterator
from typing import Any, Final

import pytest

from app.domain.assessments import AssessmentType
from app.providers.base import FailureReason
from app.services.assessment_leases import Subject
from tests.providers.vendors import KEY, Vendors
from tests.services.vendor_desk import (
    ADDRESS,
    PENDING,
    READY,
    Desk,
    check_money,
    failed,
    kill,
    until,
)
from tests.support.clock import HandClock
from tests.support.databases import LentDatabase
from tests.support.orders import end_leases
from tests.support.people import make_user
from tests.support.sandbox import HeldClock, serving_upstream

EVERYBODY: Final = ["crystal", "chainalysis", "exposure", "sanctions", "crystal+chainalysis"]
# Where the faults of each are ordered.
SOURCE: Final = {"crystal": "crystal", "chainalysis": "chainalysis", "exposure": "esplora"}
REFUSED: Final = FailureReason.REFUSED
BROKEN: Final = FailureReason.BROKEN


@pytest.fixture(scope="module")
async def held() -> HeldClock:
    """The clock of the vendors, on which a fault that takes time lasts until it is woken."""
    return HeldClock()


@pytest.fixture(scope="module")
async def served(held: HeldClock) -> AsyncIterator[Vendors]:
    async with serving_upstream(clock=held) as upstream:
        yield Vendors(upstream)


@pytest.fixture
async def desk(
    database: LentDatabase, clock: HandClock, served: Vendors, held: HeldClock
) -> AsyncIterator[Desk]:
    await served.upstream.press("reset")
    user = await make_user(database, clock.now(), credits_given=3)
    yield Desk(database, clock, user, served)
    held.wake()
    await check_money(database)


async def fault(desk: Desk, provider: str, kind: str, **given: Any) -> None:  # noqa: ANN401  JSON
    """Order a fault of whoever answers a provider; of Crystal, for new questions alone."""
    where = {"endpoint": "tx_add"} if provider == "crystal" else {}
    await desk.vendors.upstream.fault(kind, source=SOURCE[provider], **{**where, **given})


# Ready, at once or later


@pytest.mark.parametrize("names", EVERYBODY)
async def test_an_answer_costs_one_credit(desk: Desk, names: str) -> None:
    async with desk.asking(names) as asking:
        assert await desk.ask(asking.panel) == READY
        assert await desk.finds_nothing(asking.panel)
    assert asking.alarms == []
    assert await desk.paid_calls() == ("crystal" in names)


@pytest.mark.parametrize("names", ["crystal", "exposure"])
async def test_an_answer_about_a_transaction_costs_one_credit(desk: Desk, names: str) -> None:
    sent = await desk.vendors.upstream.press("chain/send", address=ADDRESS, satoshi=50_000)
    subject = Subject(AssessmentType.TRANSACTION, ADDRESS, "BTC", sent["txid"])
    async with desk.asking(names) as asking:
        assert await desk.ask(asking.panel, subject) == READY


@pytest.mark.parametrize("numbered", [False, True], ids=["text_ids", "number_ids"])
async def test_what_crystal_works_on_is_looked_at_until_it_is_ready(
    desk: Desk, numbered: bool
) -> None:
    await desk.vendors.crystal(pending_looks=1, numbered=numbered)
    async with desk.asking("crystal") as asking:
        assert await desk.ask(asking.panel) == PENDING
        assert await desk.finish(asking.panel) == PENDING
        assert await desk.finish(asking.panel) == READY
    assert await desk.paid_calls() == 1
    assert await desk.vendors.requests("crystal", "tx_add") == 1


# Refused


async def refuse(desk: Desk, provider: str, how: str) -> None:
    """Let a vendor refuse: by a setting of Crystal (`name=value`), or by a fault of that kind."""
    setting, _, value = how.partition("=")
    if value:
        await desk.vendors.crystal(**{setting: int(value)})
    else:
        await fault(desk, provider, how)


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
    desk: Desk, name: str, how: str, reason: str, alarms: list[str]
) -> None:
    await refuse(desk, name, how)
    async with desk.asking(name) as asking:
        assert await desk.ask(asking.panel) == failed(reason)
        assert await desk.finds_nothing(asking.panel)
    assert asking.alarms == alarms
    assert await desk.paid_calls() == 0


@pytest.mark.parametrize(("name", "how", "reason", "alarms"), REFUSALS)
async def test_a_refusal_that_the_worker_meets_gives_the_credit_back(
    desk: Desk, name: str, how: str, reason: str, alarms: list[str]
) -> None:
    await fault(desk, name, "500")
    await refuse(desk, name, how)
    async with desk.asking(name) as asking:
        assert await desk.ask(asking.panel) == PENDING
        assert (await desk.try_again(asking.panel)).refunded
        assert await desk.seen() == failed(reason)
        assert await desk.finds_nothing(asking.panel)
    assert asking.alarms == alarms


@pytest.mark.parametrize(
    ("name", "key"), [("crystal", "wrong"), ("chainalysis", "wrong"), ("chainalysis", "")]
)
async def test_a_key_that_is_refused_gives_the_credit_back(desk: Desk, name: str, key: str) -> None:
    async with desk.asking(name, key=key) as asking:
        assert await desk.ask(asking.panel) == failed(BROKEN)
    assert asking.alarms == [f"{name}_KeyRefused"]


async def test_a_key_that_is_refused_leaves_unknown_what_crystal_did_before(desk: Desk) -> None:
    await fault(desk, "crystal", "drop")
    async with desk.asking("crystal") as asking:
        assert await desk.ask(asking.panel) == PENDING
    async with desk.asking("crystal", key="wrong") as asking:
        assert await desk.finish(asking.panel) == PENDING
    async with desk.asking("crystal", key=KEY) as asking:
        assert await desk.finish(asking.panel) == READY
    assert await desk.paid_calls() == 1


@pytest.mark.parametrize("tx_hash", ["ab" * 32, "nonsense"])
async def test_a_transaction_that_the_chain_does_not_know_gives_the_credit_back(
    desk: Desk, tx_hash: str
) -> None:
    subject = Subject(AssessmentType.TRANSACTION, ADDRESS, "BTC", tx_hash)
    async with desk.asking("exposure") as asking:
        assert await desk.ask(asking.panel, subject) == failed(FailureReason.NO_PART)


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
    desk: Desk, name: str, kind: str
) -> None:
    await fault(desk, name, kind)
    async with desk.asking(name) as asking:
        assert await desk.ask(asking.panel) == PENDING
        assert await desk.asks(name) == 0
    async with desk.asking(name) as later:  # a client that does not wait for its Retry-After
        assert await desk.finish(later.panel) == READY
    assert asking.alarms == later.alarms == []
    assert await desk.vendors.requests("crystal", "batch_txs") == 0


async def test_crystal_is_asked_when_it_can_be_reached_again(desk: Desk) -> None:
    root = desk.vendors.root
    desk.vendors.root = "http://127.0.0.1:1"
    async with desk.asking("crystal") as asking:
        assert await desk.ask(asking.panel) == PENDING
    desk.vendors.root = root
    async with desk.asking("crystal") as asking:
        assert await desk.finish(asking.panel) == READY
    assert await desk.paid_calls() == 1


# Lost, before the work or after it


@pytest.mark.parametrize("kind", ["500", "503", "drop", "reset"])
async def test_a_question_that_was_lost_before_the_work_is_asked_again(
    desk: Desk, kind: str
) -> None:
    await fault(desk, "crystal", kind, when="before")
    async with desk.asking("crystal") as asking:
        assert await desk.ask(asking.panel) == PENDING
        assert (await desk.asks("crystal"), await desk.paid_calls()) == (1, 0)
        assert await desk.finish(asking.panel) == READY
    assert (await desk.asks("crystal"), await desk.paid_calls()) == (2, 1)


@pytest.mark.parametrize(
    "kind", ["500", "503", "drop", "reset", "html", "empty", "malformed", "negative", "huge"]
)
async def test_an_answer_that_was_lost_after_the_work_is_found_and_not_paid_twice(
    desk: Desk, kind: str
) -> None:
    await fault(desk, "crystal", kind, when="after")
    async with desk.asking("crystal") as asking:
        assert await desk.ask(asking.panel) == PENDING
        assert await desk.paid_calls() == 1
        assert await desk.finish(asking.panel) == READY
    assert await desk.paid_calls() == 1
    assert await desk.vendors.requests("crystal", "tx_add") == 1


async def test_an_answer_that_comes_too_late_is_found_and_not_paid_twice(
    desk: Desk, held: HeldClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    await fault(desk, "crystal", "timeout", when="after")
    async with desk.asking("crystal") as asking:
        with monkeypatch.context() as patch:
            patch.setattr("app.services.asking.PROVIDER_DEADLINE_SECONDS", 0.2)
            assert await desk.ask(asking.panel) == PENDING
        assert await desk.finish(asking.panel) == READY
        held.wake()
        assert await desk.seen() == READY
    assert await desk.paid_calls() == 1


async def test_crystal_that_cannot_say_is_asked_twice_at_most_for_one_credit(desk: Desk) -> None:
    await fault(desk, "crystal", "drop", when="after", times=-1)
    await fault(desk, "crystal", "500", endpoint="batch_txs", times=-1)
    async with desk.asking("crystal") as asking:
        assert await desk.ask(asking.panel) == PENDING
        again = [(await desk.try_again(asking.panel)).asked_again for _ in range(9)]
        assert [names for names in again if names] == [("crystal",)]
        assert await desk.paid_calls() == await desk.asks("crystal") == 2
        await desk.vendors.upstream.no_faults()
        assert await desk.finish(asking.panel) == READY
    assert await desk.paid_calls() == 2


# Processes that die on the way


@pytest.mark.parametrize("names", EVERYBODY)
async def test_an_answer_that_died_with_its_process_is_kept_by_the_next(
    desk: Desk, names: str
) -> None:
    async with desk.asking(names) as asking:
        panel, dying = asking.dying
        request = asyncio.create_task(desk.ask(panel))
        await asyncio.gather(*(one.has_said.wait() for one in dying))
        await kill(request)
        assert await desk.seen() == PENDING
        assert await desk.finds_nothing(asking.panel)  # the lease still runs
        await end_leases(desk.database)
        assert await desk.finish(asking.panel) == READY
    assert await desk.paid_calls() == ("crystal" in names)


@pytest.mark.parametrize(
    ("when", "paid"), [("before", 0), ("after", 1)], ids=["before_the_work", "after_the_work"]
)
async def test_a_process_that_dies_while_crystal_is_at_work_pays_once(
    desk: Desk, held: HeldClock, when: str, paid: int
) -> None:
    async def asked() -> bool:
        return await desk.vendors.requests("crystal", "tx_add") == 1

    await fault(desk, "crystal", "timeout", when=when)
    async with desk.asking("crystal") as asking:
        request = asyncio.create_task(desk.ask(asking.panel))
        await until(asked)
        await kill(request)
        held.wake()
        assert (await desk.seen(), await desk.paid_calls()) == (PENDING, paid)
        await end_leases(desk.database)
        assert await desk.finish(asking.panel) == READY
    assert await desk.paid_calls() == 1


async def test_a_worker_that_dies_with_the_answer_pays_once(desk: Desk) -> None:
    await fault(desk, "crystal", "500")
    async with desk.asking("crystal") as asking:
        assert await desk.ask(asking.panel) == PENDING
        panel, (dying,) = asking.dying
        worker = asyncio.create_task(desk.finish(panel))
        await dying.has_said.wait()
        await kill(worker)
        await end_leases(desk.database)
        assert await desk.finish(asking.panel) == READY
    assert await desk.paid_calls() == 1


@pytest.mark.parametrize(("name", "how"), [("crystal", "refuse=400"), ("chainalysis", "400")])
async def test_a_refusal_that_died_with_its_process_is_refunded_once(
    desk: Desk, name: str, how: str
) -> None:
    await refuse(desk, name, how)
    async with desk.asking(name) as asking:
        panel, (dying,) = asking.dying
        request = asyncio.create_task(desk.ask(panel))
        await dying.has_said.wait()
        await kill(request)
        assert await desk.seen() == PENDING
        await end_leases(desk.database)
        await refuse(desk, name, how)
        assert await desk.finish(asking.panel) == failed(REFUSED)


@pytest.mark.parametrize("how", ["ready", "refuse=400"])
async def test_a_process_that_wakes_when_its_question_is_finished_changes_nothing(
    desk: Desk, how: str
) -> None:
    if how != "ready":
        await refuse(desk, "crystal", how)
    async with desk.asking("crystal") as asking:
        panel, (dying,) = asking.dying
        request = asyncio.create_task(desk.ask(panel))
        await dying.has_said.wait()
        await desk.vendors.crystal()
        await end_leases(desk.database)
        assert await desk.finish(asking.panel) == READY
        dying.let_go.set()
        assert await request == READY
    assert await desk.paid_calls() == 1


async def test_an_answer_that_comes_when_the_credit_was_given_back_is_not_kept(desk: Desk) -> None:
    async with desk.asking("chainalysis") as asking:
        panel, (dying,) = asking.dying
        request = asyncio.create_task(desk.ask(panel))
        await dying.has_said.wait()
        await refuse(desk, "chainalysis", "400")
        await end_leases(desk.database)
        assert await desk.finish(asking.panel) == failed(REFUSED)
        dying.let_go.set()
        assert await request == failed(REFUSED)


# Several at once


async def test_an_answer_of_one_waits_for_the_other_and_is_asked_for_once(desk: Desk) -> None:
    await desk.vendors.crystal(pending_looks=1)
    async with desk.asking("crystal+chainalysis") as asking:
        assert await desk.ask(asking.panel) == PENDING
        assert await desk.finish(asking.panel) == PENDING
        assert await desk.finish(asking.panel) == READY
    assert await desk.opinions() == {"crystal": None, "chainalysis": None}
    assert await desk.paid_calls() == 1
    assert await desk.vendors.requests("chainalysis", "sanctions") == 1


async def test_the_paid_answer_is_kept_while_the_free_one_cannot_be_had(desk: Desk) -> None:
    await fault(desk, "chainalysis", "500", times=3)
    async with desk.asking("crystal+chainalysis") as asking:
        assert await desk.ask(asking.panel) == PENDING
        assert [await desk.finish(asking.panel) for _ in range(3)] == [PENDING, PENDING, READY]
    assert await desk.vendors.requests("crystal", "tx_add") == 1
    assert await desk.vendors.requests("crystal", "batch_txs") == 0


@pytest.mark.parametrize(
    ("refusing", "how"), [("crystal", "refuse=400"), ("chainalysis", "400")], ids=str
)
async def test_one_answer_of_two_costs_the_credit(desk: Desk, refusing: str, how: str) -> None:
    await refuse(desk, refusing, how)
    async with desk.asking("crystal+chainalysis") as asking:
        assert await desk.ask(asking.panel) == READY
    opinions = await desk.opinions()
    assert opinions.pop(refusing) == REFUSED
    assert list(opinions.values()) == [None]


async def test_the_credit_comes_back_when_the_last_of_two_has_failed(desk: Desk) -> None:
    await fault(desk, "crystal", "400")
    await fault(desk, "chainalysis", "500")
    await fault(desk, "chainalysis", "400")
    async with desk.asking("crystal+chainalysis") as asking:
        assert await desk.ask(asking.panel) == PENDING
        assert await desk.finish(asking.panel) == failed(BROKEN)
    assert asking.alarms == ["crystal_Misplaced"]


async def test_what_one_lost_after_the_work_is_found_though_the_other_has_failed(
    desk: Desk,
) -> None:
    await fault(desk, "crystal", "drop", when="after")
    await fault(desk, "chainalysis", "400")
    async with desk.asking("crystal+chainalysis") as asking:
        assert await desk.ask(asking.panel) == PENDING
        assert await desk.finish(asking.panel) == READY
    assert await desk.opinions() == {"crystal": None, "chainalysis": REFUSED}
    assert await desk.paid_calls() == 1
