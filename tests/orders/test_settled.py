"""When an order is final, with its credits or without, on each rail: what `settled` says."""

from dataclasses import replace
from datetime import timedelta

from app.orders import cancel as cancelling
from app.orders import operator, service
from app.orders.rules.states import OrderStatus
from app.orders.status_table import STATUS_TABLE
from tests.support.bitcoin_orders import BitcoinOrder, output
from tests.support.clock import HandClock
from tests.support.databases import LentDatabase
from tests.support.orders import TERMS, OneOrder, apply_refusal, apply_report, count, end_leases
from tests.support.people import ACTOR, Person

DAY = timedelta(days=1).total_seconds()


async def settled(order: OneOrder) -> bool | None:
    async with order.database.reading() as connection:
        return (await service.read_any(connection, order.id)).settled


async def cancel(order: OneOrder) -> None:
    async with order.database.sessions() as session:
        await cancelling.cancel_any(
            session,
            order.id,
            reason="a test",
            actor=ACTOR,
            now=order.clock.now(),
            valuation=TERMS.valuation(),
        )


async def test_order_in_aeon_is_final_once_its_credits_are_granted(
    database: LentDatabase, buyer: Person, clock: HandClock
) -> None:
    order = await OneOrder.place(database, clock, buyer)
    assert await settled(order) is None
    await order.created()
    for state in ("UNPAID", "UNDERPAID", "PAID_UNCONFIRMED", "PAID"):
        await order.reported(state)
        assert await settled(order) is None, state
    await order.reported("BTC_SENT")
    assert await settled(order) is True


async def test_order_whose_server_grants_at_paid_is_final_then(
    database: LentDatabase, buyer: Person, clock: HandClock
) -> None:
    terms = replace(TERMS, granting_status=OrderStatus.PAID)
    order = await OneOrder.place(database, clock, buyer, terms=terms)
    await order.created()
    await order.reported("PAID_UNCONFIRMED")
    assert await settled(order) is None
    for state in ("PAID", "BTC_SENT"):
        await order.reported(state)
        assert await settled(order) is True, state


async def test_order_in_aeon_that_timed_out_is_final_once_it_is_looked_at_no_more(
    database: LentDatabase, buyer: Person, clock: HandClock
) -> None:
    order = await OneOrder.place(database, clock, buyer)
    await order.created()
    await order.reported("TIMED_OUT")
    assert await settled(order) is None
    clock.advance(DAY - 60)
    await order.reported("TIMED_OUT")
    assert await settled(order) is None
    await order.reported("TIMED_OUT")
    assert await settled(order) is False
    told = "data->>'order_id' = :id AND data->'settled' = 'false'"
    assert await count(database, "events", told, id=order.id) == 1, "the stream says so"


async def test_order_that_aeonto_refused_is_final(
    database: LentDatabase, buyer: Person, clock: HandClock
) -> None:
    order = await OneOrder.place(database, clock, buyer)
    job = await order.claim_creation()
    async with database.sessions() as session:
        await apply_refusal(session, job, clock.now())
    assert await settled(order) is False


async def test_order_that_was_cancelled_is_final_unless_aeonto_may_have_accepted_it(
    database: LentDatabase, buyer: Person, clock: HandClock
) -> None:
    unheard = await OneOrder.place(database, clock, buyer)
    await cancel(unheard)
    assert await settled(unheard) is False

    under_way = await OneOrder.place(database, clock, buyer)
    job = await under_way.claim_creation()
    await cancel(under_way)
    assert await settled(under_way) is None, "AEON.to may still answer, and the buyer pay"
    async with database.sessions() as session:
        await apply_report(session, job, under_way.says("UNPAID"), clock.now())
    assert await settled(under_way) is None

    dead = await OneOrder.place(database, clock, buyer)
    await dead.claim_creation()
    await cancel(dead)
    await end_leases(database)
    assert await settled(dead) is False, "whoever asked AEON.to is dead"


async def test_order_in_bitcoin_is_final_with_its_credits_and_else_never(
    database: LentDatabase, buyer: Person, clock: HandClock
) -> None:
    order = await BitcoinOrder.place(database, clock, buyer)
    assert await settled(order) is None
    clock.advance(40 * DAY)
    await order.shown()
    assert (await order.facts()).status == "TIMED_OUT"
    assert await settled(order) is None, "what comes later buys credits"
    await order.shown(output(confirmations=0))
    assert await settled(order) is None
    await order.shown(output())
    assert await settled(order) is True
    await order.shown()
    assert await settled(order) is True, "credits that were granted stay, whatever the chain shows"

    cancelled = await BitcoinOrder.place(database, clock, buyer)
    await cancel(cancelled)
    assert await settled(cancelled) is None


async def test_order_that_an_operator_closed_is_final(
    database: LentDatabase, buyer: Person, clock: HandClock
) -> None:
    for kind in (OneOrder, BitcoinOrder):
        order = await kind.place(database, clock, buyer)
        if kind is OneOrder:
            await order.created()
            await order.reported("UNPAID")
        async with database.sessions() as session:
            await operator.resolve(
                session,
                order.id,
                grant=False,
                reason="a test",
                actor=ACTOR,
                now=clock.now(),
                valuation=TERMS.valuation(),
            )
        assert (await order.facts()).status == "FAILED"
        assert await settled(order) is False, kind


def test_the_table_of_the_document_has_each_status_once() -> None:
    [header] = [line for line in STATUS_TABLE.splitlines() if line.startswith("| status")]
    assert header.count("|") == 6
    rows = [
        line.split("|")[1].strip(" `")
        for line in STATUS_TABLE.splitlines()
        if line.startswith("| `")
    ]
    assert rows == list(OrderStatus)
