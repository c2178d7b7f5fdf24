"""Cancelling: what nobody paid, by whom, and what becomes of money that comes nevertheless."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from app import audit
from app.orders import apply, leases
from app.orders import cancel as cancelling
from app.orders.errors import OrderNotCancellable
from app.orders.rules.states import OrderStatus
from app.orders.transitions import ApplyResult
from app.runtime.db.engine import Database
from tests.support.bitcoin_orders import BitcoinOrder, output
from tests.support.clock import HandClock
from tests.support.databases import LentDatabase
from tests.support.orders import (
    TERMS,
    OneOrder,
    apply_failure,
    apply_refusal,
    apply_report,
    balance_of,
    count,
    events_of,
)
from tests.support.people import ACTOR, Person, make_user


@pytest.fixture(autouse=True)
async def _audited(database: LentDatabase) -> AsyncIterator[None]:
    """Whatever a test did, the rules of money hold afterwards."""
    yield
    async with database.reading() as connection:
        assert await audit.breaches(connection) == []


async def cancel(order: OneOrder) -> OrderStatus:
    async with order.database.sessions() as session:
        return await cancelling.cancel_any(
            session,
            order.id,
            reason="a test",
            actor=ACTOR,
            valuation=TERMS.valuation(),
            now=order.clock.now(),
        )


async def test_order_that_aeonto_never_accepted_is_over_for_good(
    database: LentDatabase, buyer: Person, clock: HandClock
) -> None:
    order = await OneOrder.place(database, clock, buyer)
    assert await cancel(order) == "CANCELLED"
    facts = await order.facts()
    assert (facts.status, facts.next_look_at, facts.failure_reason) == ("CANCELLED", None, None)
    clock.advance(timedelta(hours=2).total_seconds())
    async with database.sessions() as session:
        assert await leases.claim_creation(session, clock.now()) is None
    async with database.reading() as connection:
        assert await apply.overdue(connection, clock.now()) == []
    assert (
        await count(database, "audit_log", "action = 'order.cancel' AND subject = :id", id=order.id)
        == 1
    )
    [*_, last] = await events_of(database, order.id)
    assert (last.reason, last.evidence) == ("a test", {"cancelled_by": ACTOR.name})
    assert await cancel(order) == "CANCELLED", "a second time changes nothing"
    assert await order.path() == ["TO_BE_CREATED", "CANCELLED"]


async def test_answer_to_a_creation_that_was_under_way_keeps_its_uuid(
    database: LentDatabase, buyer: Person, clock: HandClock
) -> None:
    order = await OneOrder.place(database, clock, buyer)
    job = await order.claim_creation()
    await cancel(order)
    async with database.sessions() as session:
        applied = await apply_report(session, job, order.says("UNPAID"), clock.now())
    assert applied == ApplyResult()
    assert (await order.facts()).status == "CANCELLED"
    assert await count(database, "payments", "uuid = :uuid", uuid=order.uuid) == 1
    await order.reported("BTC_SENT")
    assert await balance_of(database, buyer.account_id) == 10


@pytest.mark.parametrize("outcome", ["failed", "refused", "another order"])
async def test_creation_that_brought_nothing_is_not_tried_again_once_cancelled(
    database: LentDatabase, buyer: Person, clock: HandClock, outcome: str
) -> None:
    order = await OneOrder.place(database, clock, buyer)
    job = await order.claim_creation()
    await cancel(order)
    async with database.sessions() as session:
        match outcome:
            case "failed":
                await apply_failure(
                    session, job, pause=timedelta(seconds=5), alarm=None, now=clock.now()
                )
            case "refused":
                await apply_refusal(session, job, clock.now())
            case _:
                wrong = order.says("UNPAID", btc_dest_address="1Boat")
                await apply_report(session, job, wrong, clock.now())
    facts = await order.facts()
    assert (facts.status, facts.next_look_at, facts.lease_token) == ("CANCELLED", None, None)


async def test_reports_of_an_unpaid_order_do_not_revive_it_and_payments_do(
    database: LentDatabase, buyer: Person, order: OneOrder
) -> None:
    await order.reported("UNPAID")
    await cancel(order)
    for heard in ("UNPAID", "TO_BE_CREATED", "TIMED_OUT", "NOT_FOUND"):
        await order.reported(heard)
        assert (await order.facts()).status == "CANCELLED"
    assert await order.notes() == []
    await order.reported("UNDERPAID")
    await order.reported("PAID_UNCONFIRMED")
    await order.reported("BTC_SENT")
    assert (await order.path())[-4:] == ["CANCELLED", "UNDERPAID", "PAID_UNCONFIRMED", "BTC_SENT"]
    assert await balance_of(database, buyer.account_id) == 10


async def test_word_of_upstream_cancels_nothing(order: OneOrder) -> None:
    await order.reported("UNPAID")
    assert (await order.reported("CANCELLED")).refused == "unknown_state"
    assert (await order.facts()).status == "UNPAID"


@pytest.mark.parametrize(
    "state", ["UNDERPAID", "PAID_UNCONFIRMED", "PAID", "BTC_SENT", "TIMED_OUT"]
)
async def test_only_what_nobody_paid_and_still_waits_is_cancelled(
    order: OneOrder, state: str
) -> None:
    await order.reported(state)
    with pytest.raises(OrderNotCancellable):
        await cancel(order)
    assert (await order.facts()).status == state


async def test_cancelled_order_in_bitcoin_is_watched_on_and_its_money_counts(
    database: LentDatabase, buyer: Person, clock: HandClock
) -> None:
    order = await BitcoinOrder.place(database, clock, buyer)
    job = await order.claim_poll()
    await cancel(order)
    await order.apply_shown(job, ())
    assert (await order.facts()).status == "CANCELLED", "a look that was under way"
    clock.advance(7300)
    await order.shown()
    assert (await order.facts()).status == "CANCELLED", "it does not time out"
    applied = await order.shown(output(200_000, 3))
    assert applied.alarm == "money_without_credits"
    assert (await order.facts()).status == "CANCELLED"
    await order.shown(output(200_000, 3), output(300_000, 3, number=2))
    assert (await order.facts()).status == "PAID"
    assert await balance_of(database, buyer.account_id) == 10


async def test_cancel_and_payment_at_once_leave_one_path_and_lose_no_money(
    committed_database: Database, clock: HandClock
) -> None:
    buyer = await make_user(committed_database, clock.now())
    placed = [await OneOrder.place(committed_database, clock, buyer) for _ in range(6)]
    for _ in placed:
        async with committed_database.sessions() as session:
            job = await leases.claim_creation(session, clock.now())
        assert job is not None
        order = next(one for one in placed if one.id == job.order_id)
        async with committed_database.sessions() as session:
            await apply_report(session, job, order.says("UNPAID"), clock.now())

    async def pay(order: OneOrder) -> None:
        await order.apply(jobs[order.id], order.says("BTC_SENT"))

    async def try_to_cancel(order: OneOrder) -> bool:
        try:
            return await cancel(order) == "CANCELLED"
        except OrderNotCancellable:
            return False

    clock.advance(10)
    jobs = {}
    for _ in placed:
        async with committed_database.sessions() as session:
            look = await leases.claim_poll(session, OneOrder.rail, clock.now())
        assert look is not None
        jobs[look.order_id] = look
    outcomes = await asyncio.gather(
        *(pay(order) for order in placed), *(try_to_cancel(order) for order in placed)
    )
    for order, cancelled in zip(placed, outcomes[len(placed) :], strict=True):
        middle = ["CANCELLED"] if cancelled else []
        assert await order.path() == ["TO_BE_CREATED", "UNPAID", *middle, "BTC_SENT"]
    assert await balance_of(committed_database, buyer.account_id) == 60
    async with committed_database.reading() as connection:
        assert await audit.breaches(connection) == []
