"""What becomes of an order that AEON.to says it paid for, by what the chain says of that."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import pytest

from app import audit
from app.orders import operator
from app.orders.poll_hints import PollHints
from app.orders.rules.settlement import SettlementFault, Unverified, Verified
from app.orders.rules.states import OrderStatus
from app.orders.transitions import ApplyResult
from app.runtime.db.engine import Database
from tests.support.clock import HandClock
from tests.support.databases import LentDatabase
from tests.support.orders import TERMS, OneOrder, balance_of, count, events_of
from tests.support.people import ACTOR, Person, make_user

AT_PAID = replace(TERMS, granting_status=OrderStatus.PAID)
TXID = "ab" * 32
NOT_YET = Unverified(SettlementFault.UNVERIFIED, "in no block")
WRONG = Unverified(SettlementFault.WRONG, "pays somebody else")
TAKEN = SettlementFault.OUTPUT_TAKEN
CLAIMED = "settlement_claimed_at = :at"


def paid(*outputs: int) -> Verified:
    """Say that these outputs of the one transaction pay."""
    return Verified(TXID, outputs or (0,), 3)


@pytest.fixture(autouse=True)
async def _audited(database: LentDatabase) -> AsyncIterator[None]:
    """Whatever a test did, the rules of money hold afterwards."""
    yield
    async with database.reading() as connection:
        assert await audit.breaches(connection) == []


async def another(order: OneOrder, buyer: Person) -> OneOrder:
    """Place another order of the same amount, and let it be paid."""
    placed = await OneOrder.place(order.database, order.clock, buyer)
    await placed.created()
    await placed.reported("PAID")
    return placed


async def outputs_of(database: Database) -> int:
    return await count(database, "settlements")


async def test_verified_claim_moves_grants_and_keeps_its_output(
    database: LentDatabase, buyer: Person, order: OneOrder
) -> None:
    applied = await order.reported("BTC_SENT", settlement=paid(2), btc_transaction_id=TXID)
    assert (applied.moved_to, applied.granted, applied.refused) == ("BTC_SENT", 10, None)
    kept = "order_id = :order AND txid = :txid AND output_index = 2 AND confirmations = 3"
    assert await count(database, "settlements", kept, order=order.id, txid=TXID) == 1
    assert await count(database, "payments", "settlement_claimed_at IS NOT NULL") == 0
    assert await balance_of(database, buyer.account_id) == 10


@pytest.mark.parametrize("fault", list(SettlementFault))
async def test_unverified_claim_stays_paid_without_credits_until_the_chain_says_so(
    database: LentDatabase, buyer: Person, order: OneOrder, fault: SettlementFault
) -> None:
    unverified = Unverified(fault, "a test")
    applied = await order.reported("BTC_SENT", settlement=unverified, btc_transaction_id=TXID)
    first_claim = order.clock.now()
    assert (applied.moved_to, applied.granted, applied.refused) == ("PAID", 0, fault)
    for _ in range(3):
        applied = await order.reported("BTC_SENT", settlement=unverified, btc_transaction_id=TXID)
        assert applied == ApplyResult(refused=fault)
    assert await balance_of(database, buyer.account_id) == 0
    assert await outputs_of(database) == 0
    kept = f"{CLAIMED} AND btc_transaction_id = :txid AND state = 'BTC_SENT'"
    assert await count(database, "payments", kept, at=first_claim, txid=TXID) == 1
    assert [reason for kind, reason in await order.notes() if kind == "refused"] == [fault]
    await order.reported("BTC_SENT", settlement=paid(), btc_transaction_id=TXID)
    assert await order.path() == ["TO_BE_CREATED", "UNPAID", "PAID", "BTC_SENT"]
    assert await balance_of(database, buyer.account_id) == 10


async def test_order_that_is_granted_at_paid_is_granted_before_its_settlement(
    database: LentDatabase, clock: HandClock, buyer: Person
) -> None:
    order = await OneOrder.place(database, clock, buyer, terms=AT_PAID)
    await order.created()
    applied = await order.reported("BTC_SENT", settlement=NOT_YET)
    assert (applied.moved_to, applied.granted) == ("PAID", 10)
    applied = await order.reported("BTC_SENT", settlement=paid())
    assert (applied.moved_to, applied.granted) == ("BTC_SENT", 0)
    assert await balance_of(database, buyer.account_id) == 10


async def test_unverified_order_is_looked_at_every_30_seconds_whoever_asks(
    database: LentDatabase, clock: HandClock, order: OneOrder
) -> None:
    poll_hints = PollHints()
    for _ in range(3):
        await order.reported("BTC_SENT", settlement=NOT_YET)
        poll_hints.note(order.id)
        await poll_hints.flush(database, clock.now())
        assert (await order.facts()).next_look_at == clock.now() + timedelta(seconds=30)


async def test_alarm_rings_once_an_hour_after_the_first_claim(order: OneOrder) -> None:
    await order.reported("BTC_SENT", settlement=NOT_YET)
    begun, rang = order.clock.now(), []
    # Around the hour at every look that is due, before and after it more rarely.
    for pause_seconds in (*[300] * 11, *[0] * 30, *[600] * 8):
        order.clock.advance(pause_seconds)
        applied = await order.reported("BTC_SENT", settlement=NOT_YET)
        if applied.alarm is not None:
            rang.append((applied.alarm, order.clock.now() - begun))
    assert order.clock.now() - begun > timedelta(hours=2)
    [(alarm, waited)] = rang
    assert alarm == "settlement_unverified"
    assert timedelta(hours=1) <= waited <= timedelta(hours=1, minutes=1)


async def test_payment_of_somebody_else_rings_at_once_and_once(order: OneOrder) -> None:
    alarms = [
        (await order.reported("BTC_SENT", settlement=WRONG, btc_transaction_id=TXID)).alarm
        for _ in range(4)
    ]
    assert alarms == ["settlement_wrong", None, None, None]
    [alarm] = [
        event for event in await events_of(order.database, order.id) if event.kind == "alarm"
    ]
    assert alarm.evidence is not None
    assert alarm.evidence["settlement"] == {
        "fault": "settlement_wrong",
        "reason": "pays somebody else",
    }
    assert alarm.evidence["btc_transaction_id"] == TXID


async def test_two_outputs_of_one_transaction_settle_two_orders_and_no_third(
    database: LentDatabase, buyer: Person, order: OneOrder
) -> None:
    second, third = await another(order, buyer), await another(order, buyer)
    for one in (order, second):
        assert (await one.reported("BTC_SENT", settlement=paid(1, 4))).moved_to == "BTC_SENT"
    applied = await third.reported("BTC_SENT", settlement=paid(1, 4))
    assert applied == ApplyResult(refused=TAKEN, alarm=TAKEN)
    assert (await third.facts()).status == "PAID"
    assert await count(database, "settlements", "output_index IN (1, 4)") == 2
    assert await balance_of(database, buyer.account_id) == 20


async def test_output_that_settled_an_order_settles_no_other(
    database: LentDatabase, buyer: Person, order: OneOrder
) -> None:
    second = await another(order, buyer)
    await order.reported("BTC_SENT", settlement=paid())
    applied = await second.reported("BTC_SENT", settlement=paid())
    assert (applied.moved_to, applied.granted, applied.alarm) == (None, 0, TAKEN)
    assert await balance_of(database, buyer.account_id) == 10
    elsewhere = Verified("cd" * 32, (0,), 1)
    assert (await second.reported("BTC_SENT", settlement=elsewhere)).moved_to == "BTC_SENT"


async def test_claims_of_one_output_in_parallel_settle_one_order(
    committed_database: Database,
) -> None:
    clock = HandClock()
    buyer = await make_user(committed_database, clock.now())
    orders = []
    for _ in range(8):
        orders.append(await OneOrder.place(committed_database, clock, buyer))
        await orders[-1].created()
        clock.advance(0.01)
    clock.advance(5)
    jobs = [await one.claim_poll() for one in orders]
    answers = await asyncio.gather(
        *(
            one.apply(job, one.says("BTC_SENT"), paid(0, 1))
            for one, job in zip(orders, jobs, strict=True)
        )
    )
    assert sorted(applied.granted for applied in answers) == [0] * 6 + [10] * 2
    assert [applied.refused for applied in answers].count(TAKEN) == 6
    assert await outputs_of(committed_database) == 2
    assert await balance_of(committed_database, buyer.account_id) == 20
    async with committed_database.reading() as connection:
        assert await audit.breaches(connection) == []


async def test_refused_claim_takes_no_output(database: LentDatabase, order: OneOrder) -> None:
    applied = await order.reported("BTC_SENT", settlement=paid(), uuid="another")
    assert applied == ApplyResult(refused="mismatch_uuid")
    assert await outputs_of(database) == 0


async def test_without_the_chain_the_claim_is_believed(
    database: LentDatabase, order: OneOrder
) -> None:
    assert (await order.reported("BTC_SENT")).moved_to == "BTC_SENT"
    assert await outputs_of(database) == 0
    [move] = (await events_of(database, order.id))[-1:]
    assert move.evidence is not None
    assert "settlement" not in move.evidence


async def test_operator_may_grant_what_is_not_verified(
    database: LentDatabase, buyer: Person, order: OneOrder
) -> None:
    await order.reported("BTC_SENT", settlement=NOT_YET)
    async with database.sessions() as session:
        now = order.clock.now()
        await operator.resolve(
            session,
            order.id,
            grant=True,
            reason="seen",
            actor=ACTOR,
            valuation=TERMS.valuation(),
            now=now,
        )
    assert await balance_of(database, buyer.account_id) == 10
    assert (await order.facts()).status == "BTC_SENT"
    assert await outputs_of(database) == 0
