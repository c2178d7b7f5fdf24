"""What an operator may do with an order that upstream no longer answers for."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from app import audit
from app.orders import operator
from app.orders.errors import InvalidOrderId, OrderNotSettled
from app.orders.rules.states import OrderStatus
from app.orders.transitions import ApplyResult
from tests.support.clock import HandClock
from tests.support.databases import LentDatabase
from tests.support.orders import TERMS, OneOrder, balance_of, count
from tests.support.people import ACTOR, Person

AT_PAID = replace(TERMS, granting_status=OrderStatus.PAID)


@pytest.fixture(autouse=True)
async def _audited(database: LentDatabase) -> AsyncIterator[None]:
    """Whatever a test did, the rules of money hold afterwards."""
    yield
    async with database.reading() as connection:
        assert await audit.breaches(connection) == []


async def settle(order: OneOrder, *, grant: bool) -> OrderStatus:
    """Let an operator end an order."""
    async with order.database.sessions() as session:
        return await operator.resolve(
            session,
            order.id,
            grant=grant,
            reason="a test",
            actor=ACTOR,
            valuation=TERMS.valuation(),
            now=order.clock.now(),
        )


async def test_operator_grants_what_upstream_no_longer_answers_for(
    database: LentDatabase, buyer: Person, order: OneOrder
) -> None:
    await order.reported("PAID")
    await order.reported("NOT_FOUND")
    assert await settle(order, grant=True) == "BTC_SENT"
    assert await balance_of(database, buyer.account_id) == 10
    assert (await order.facts()).next_look_at is None
    line = "action = 'order.settle_grant' AND actor = 'operator' AND subject = :order"
    assert await count(database, "audit_log", line, order=order.id) == 1
    with pytest.raises(OrderNotSettled):
        await settle(order, grant=True)
    assert await balance_of(database, buyer.account_id) == 10


@pytest.mark.parametrize("state", ["UNPAID", "UNDERPAID", "PAID_UNCONFIRMED", "PAID", "TIMED_OUT"])
async def test_operator_closes_an_open_order_without_a_grant(
    database: LentDatabase, buyer: Person, order: OneOrder, state: str
) -> None:
    await order.reported(state)
    assert await settle(order, grant=False) == "FAILED"
    facts = await order.facts()
    assert (facts.next_look_at, facts.failure_reason) == (None, "closed by an operator")
    assert await balance_of(database, buyer.account_id) == 0


async def test_answer_in_flight_while_the_operator_closes_an_order_is_lost(
    database: LentDatabase, buyer: Person, order: OneOrder
) -> None:
    job = await order.claim_poll()
    await settle(order, grant=False)
    assert await order.apply(job, order.says("BTC_SENT")) == ApplyResult(lease_lost=True)
    assert await balance_of(database, buyer.account_id) == 0


async def test_order_granted_at_paid_is_settled_to_btc_sent_without_a_second_grant(
    database: LentDatabase, clock: HandClock, buyer: Person
) -> None:
    """AEON.to forgot it before it was seen to send the bitcoin."""
    order = await OneOrder.place(database, clock, buyer, terms=AT_PAID)
    await order.created("UNPAID")
    await order.reported("PAID")
    for alarm in (None, None, "not_found_after_payment"):
        assert (await order.reported("NOT_FOUND")).alarm == alarm
        clock.advance(300)
    assert await settle(order, grant=True) == "BTC_SENT"
    assert (await order.facts()).next_look_at is None
    assert await balance_of(database, buyer.account_id) == 10


async def test_granted_order_is_neither_closed_nor_granted_again(
    database: LentDatabase, clock: HandClock, buyer: Person
) -> None:
    order = await OneOrder.place(database, clock, buyer, terms=AT_PAID)
    await order.created("UNPAID")
    await order.reported("PAID")
    with pytest.raises(OrderNotSettled):
        await settle(order, grant=False)
    await order.reported("BTC_SENT")
    for grant in (True, False):
        with pytest.raises(OrderNotSettled):
            await settle(order, grant=grant)
    assert await balance_of(database, buyer.account_id) == 10


async def test_order_that_upstream_never_accepted_may_be_closed_but_not_granted(
    database: LentDatabase, clock: HandClock, buyer: Person
) -> None:
    order = await OneOrder.place(database, clock, buyer)
    with pytest.raises(OrderNotSettled):
        await settle(order, grant=True)
    assert await settle(order, grant=False) == "FAILED"
    assert await balance_of(database, buyer.account_id) == 0


async def test_unknown_order_cannot_be_settled(database: LentDatabase, clock: HandClock) -> None:
    with pytest.raises(InvalidOrderId):
        await settle(OneOrder(database, clock, "ord_none", ""), grant=True)
