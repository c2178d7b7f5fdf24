"""Orders that need a person's attention: where money and status differ, and why."""

import pytest

from app.orders import operator
from app.orders.discrepancies import needing_attention
from app.orders.rules.settlement import SettlementFault, Unverified, Verified
from tests.support.bitcoin_orders import EXCESS, BitcoinOrder, output
from tests.support.clock import HandClock
from tests.support.databases import LentDatabase
from tests.support.orders import TERMS, OneOrder
from tests.support.people import ACTOR, Person

WITHOUT_CREDITS = "money came, and no credits were granted"
GONE = "credits were granted, and their payment is gone"
MORE = "more was paid than credits were granted for"
UNSENT = "AEON.to says that it paid, and the chain does not"
HOUR = 3600


@pytest.fixture
async def paying(database: LentDatabase, clock: HandClock, buyer: Person) -> BitcoinOrder:
    """An order in bitcoin."""
    return await BitcoinOrder.place(database, clock, buyer)


async def noticed(order: OneOrder, *, limit: int = 50) -> list[tuple[str, str]]:
    """Return the orders that need attention, each with the reason."""
    async with order.database.reading() as connection:
        found = await needing_attention(connection, limit=limit)
    return [(view.id, reason) for view, reason in found]


async def settled(order: OneOrder, *, grant: bool) -> None:
    async with order.database.sessions() as session:
        await operator.resolve(
            session,
            order.id,
            grant=grant,
            reason="a test",
            actor=ACTOR,
            valuation=TERMS.valuation(),
            now=order.clock.now(),
        )


async def test_order_on_its_way_or_paid_as_asked_needs_none(paying: BitcoinOrder) -> None:
    for shown in ((), (output(1_000, number=2),), (output(confirmations=0),), (output(),)):
        await paying.shown(*shown)
        assert await noticed(paying) == []


async def test_order_that_times_out_unpaid_needs_none(paying: BitcoinOrder) -> None:
    paying.clock.advance(HOUR)
    await paying.shown()
    assert await noticed(paying) == []


@pytest.mark.parametrize("satoshi", [1, 499_999])
async def test_money_of_an_order_that_timed_out_needs_it(
    paying: BitcoinOrder, satoshi: int
) -> None:
    paying.clock.advance(HOUR)
    await paying.shown(output(satoshi))
    assert await noticed(paying) == [(paying.id, WITHOUT_CREDITS)]


async def test_money_for_an_order_that_was_closed_needs_it(paying: BitcoinOrder) -> None:
    await settled(paying, grant=False)
    assert await noticed(paying) == []
    await paying.shown(output())
    assert await noticed(paying) == [(paying.id, WITHOUT_CREDITS)]


async def test_money_that_left_again_needs_none(paying: BitcoinOrder) -> None:
    paying.clock.advance(HOUR)
    await paying.shown(output(1_000, 0))
    await paying.shown()
    assert await noticed(paying) == []


async def test_granted_payment_that_is_gone_needs_it_until_it_is_back(
    paying: BitcoinOrder,
) -> None:
    await paying.shown(output())
    await paying.shown()
    assert await noticed(paying) == [(paying.id, GONE)]
    await paying.shown(output())
    assert await noticed(paying) == []


@pytest.mark.parametrize(("satoshi", "needs"), [(500_545, False), (500_546, True)])
async def test_more_than_the_price_needs_it_from_the_dust_limit_on(
    paying: BitcoinOrder, satoshi: int, *, needs: bool
) -> None:
    await paying.shown(output(satoshi))
    assert (await noticed(paying) == [(paying.id, MORE)]) is needs


async def test_more_that_was_turned_into_credits_needs_none(paying: BitcoinOrder) -> None:
    await paying.shown(output(600_000), terms=EXCESS)
    assert await noticed(paying) == []


async def test_what_an_operator_gave_needs_none_for_want_of_a_payment(
    paying: BitcoinOrder,
) -> None:
    await paying.shown(output(400_000))
    await settled(paying, grant=True)
    await paying.shown(output(400_000))
    assert await noticed(paying) == []
    await paying.shown(output(400_000), output(200_000, number=2))
    assert await noticed(paying) == [(paying.id, MORE)]


async def test_part_of_an_amount_in_aeon_needs_it_when_the_order_timed_out(
    order: OneOrder,
) -> None:
    await order.reported("UNDERPAID", incoming_amount_total=14, remaining_amount_incoming=4)
    assert await noticed(order) == []
    await order.reported("TIMED_OUT", incoming_amount_total=14, remaining_amount_incoming=4)
    assert await noticed(order) == [(order.id, WITHOUT_CREDITS)]


async def test_claim_that_the_chain_does_not_bear_out_needs_it_until_it_does(
    order: OneOrder,
) -> None:
    await order.reported("BTC_SENT", settlement=Unverified(SettlementFault.UNVERIFIED, "why"))
    assert await noticed(order) == [(order.id, UNSENT)]
    await order.reported("BTC_SENT", settlement=Verified("a" * 64, (0,), 1))
    assert await noticed(order) == []


async def test_newest_come_first_and_no_more_than_are_asked_for(
    database: LentDatabase, clock: HandClock, buyer: Person
) -> None:
    placed = []
    for number in range(3):
        one = await BitcoinOrder.place(database, clock, buyer)
        await one.shown(output(600_000, number=number))
        placed.append((one.id, MORE))
    assert await noticed(one) == placed[::-1]
    assert await noticed(one, limit=2) == placed[:0:-1]
