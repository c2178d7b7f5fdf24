"""Interest: an order that somebody asks about is looked at sooner, in one statement for all."""

from datetime import timedelta

import pytest

from app.orders.poll_hints import PollHints
from app.orders.rules.poll_schedule import Urgency
from tests.support.clock import HandClock
from tests.support.databases import LentDatabase
from tests.support.orders import OneOrder, count
from tests.support.people import Person
from tests.support.statements import statements_sent


async def urgency_of(order: OneOrder) -> Urgency:
    """Read how urgent an order is."""
    for urgency in Urgency:
        where = "id = :id AND look_urgency = :urgency"
        if await count(order.database, "orders", where, id=order.id, urgency=int(urgency)):
            return urgency
    raise AssertionError


async def test_open_order_that_was_asked_about_is_due_in_two_seconds(
    database: LentDatabase, clock: HandClock, order: OneOrder
) -> None:
    poll_hints = PollHints()
    poll_hints.note(order.id)
    await poll_hints.flush(database, clock.now())
    assert (await order.facts()).next_look_at == clock.now() + timedelta(seconds=2)
    assert await urgency_of(order) is Urgency.ASKED


async def test_asking_again_and_again_does_not_put_a_look_off(
    database: LentDatabase, clock: HandClock, order: OneOrder
) -> None:
    poll_hints, due = PollHints(), clock.now() + timedelta(seconds=2)
    for _ in range(5):
        poll_hints.note(order.id)
        await poll_hints.flush(database, clock.now())
        clock.advance(1)
        assert (await order.facts()).next_look_at == due


async def test_asking_about_a_closed_order_brings_it_to_the_first_rhythm_of_its_aftermath(
    database: LentDatabase, clock: HandClock, order: OneOrder
) -> None:
    await order.reported("TIMED_OUT")
    for _ in range(50):
        await order.reported("TIMED_OUT")
    assert (await order.facts()).next_look_at == clock.now() + timedelta(hours=1)
    poll_hints = PollHints()
    poll_hints.note(order.id)
    await poll_hints.flush(database, clock.now())
    assert (await order.facts()).next_look_at == clock.now() + timedelta(minutes=1)
    assert await urgency_of(order) is Urgency.AFTERMATH


async def test_asking_hastens_no_creation_and_wakes_no_finished_order(
    database: LentDatabase, clock: HandClock, buyer: Person, order: OneOrder
) -> None:
    await order.reported("BTC_SENT")
    waiting = await OneOrder.place(database, clock, buyer)
    before = (await waiting.facts()).next_look_at
    poll_hints = PollHints()
    for order_id in (order.id, waiting.id, "ord_unknown"):
        poll_hints.note(order_id)
    await poll_hints.flush(database, clock.now())
    assert (await order.facts()).next_look_at is None
    assert (await waiting.facts()).next_look_at == before


async def test_interest_in_many_orders_is_one_statement_and_none_without_interest(
    database: LentDatabase, clock: HandClock, buyer: Person
) -> None:
    poll_hints = PollHints()
    for _ in range(5):
        order = await OneOrder.place(database, clock, buyer)
        await order.created("UNPAID")
        poll_hints.note(order.id)
    with statements_sent() as statements:
        await poll_hints.flush(database, clock.now())
        await poll_hints.flush(database, clock.now())
    assert len([one for one in statements if "UPDATE orders" in one]) == 1


@pytest.fixture
async def order(database: LentDatabase, clock: HandClock, buyer: Person) -> OneOrder:
    """An order that waits for its payment and is not due."""
    order = await OneOrder.place(database, clock, buyer)
    await order.created("UNPAID")
    return order
