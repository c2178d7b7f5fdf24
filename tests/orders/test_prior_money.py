"""Money that lay at an address before its order pays nothing: it is passed over, or reported."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from sqlalchemy import text

from app import audit
from app.orders import address_checks
from app.orders.discrepancies import needing_attention
from app.orders.wallet.wallet import Wallet
from app.partners.esplora.outputs import ReceivedOutput
from app.runtime.db.engine import Database
from tests.orders.wallet.keys import BIP84_ZPUB
from tests.support import invariants
from tests.support.bitcoin_orders import DUE_SATOSHI, BitcoinOrder, output
from tests.support.clock import HandClock
from tests.support.databases import LentDatabase
from tests.support.people import Person

WALLET = Wallet.from_text(BIP84_ZPUB)
DESTINATION = "12Cyjf3qV6qLyXdzpLSLPdRFPUVidvnzFM"
TIP = 900_000


@pytest.fixture(autouse=True)
async def _sound(database: LentDatabase, clock: HandClock) -> AsyncIterator[None]:
    """Whatever a test did, the rules of money hold afterwards."""
    yield
    assert await invariants.broken(database, clock.now()) == {}
    async with database.reading() as connection:
        assert await audit.breaches(connection) == []


async def check(
    database: Database, clock: HandClock, index: int, *arrivals: ReceivedOutput, tip: int = TIP
) -> str | None:
    """Let the chain show this at an address that no order has."""
    async with database.sessions() as session:
        return await address_checks.keep(
            session,
            WALLET,
            index,
            arrivals,
            tip_height=tip,
            destination=DESTINATION,
            now=clock.now(),
        )


def mined(
    clock: HandClock, *, ago: timedelta, height: int = TIP, number: int = 1
) -> ReceivedOutput:
    """Return an output of the full price in a block of some time ago."""
    at = clock.now() - ago
    return output(confirmations=6, number=number, block_time=at, mined_at=at, block_height=height)


async def address_of(order: BitcoinOrder) -> str:
    return (await order.payment()).btc_dest_address


async def status_of(order: BitcoinOrder) -> str:
    return (await order.facts()).status


async def alarms(order: BitcoinOrder) -> list[str]:
    return [reason for kind, reason in await order.notes() if kind == "alarm"]


# Addresses that were looked at before an order


async def test_used_addresses_are_passed_over_for_ever_and_reported(
    database: LentDatabase, clock: HandClock, buyer: Person
) -> None:
    assert await check(database, clock, 0, mined(clock, ago=timedelta(days=30))) == "used"
    assert await check(database, clock, 1, output(confirmations=0, number=2)) == "used"
    assert await check(database, clock, 2) is None
    assert await check(database, clock, 0) is None, "known already, and not forgotten"
    order = await BitcoinOrder.place(database, clock, buyer)
    assert await address_of(order) == WALLET.address(2)
    async with database.reading() as connection:
        found = await address_checks.passed_over(connection)
    assert [(one["index"], one["reason"], str(one["received_btc"])) for one in found] == [
        (0, "used", "0.00500000"),
        (1, "used", "0.00500000"),
    ]


async def test_address_that_an_order_took_during_its_check_is_not_reported(
    database: LentDatabase, clock: HandClock, buyer: Person
) -> None:
    order = await BitcoinOrder.place(database, clock, buyer)
    assert await address_of(order) == WALLET.address(0)
    assert await check(database, clock, 0, output(confirmations=0)) is None
    async with database.reading() as connection:
        assert await address_checks.passed_over(connection) == []


async def test_order_beyond_all_that_was_checked_gets_one_that_is_not_known_to_be_used(
    database: LentDatabase, clock: HandClock, buyer: Person
) -> None:
    for index in range(3):
        await check(database, clock, index, mined(clock, ago=timedelta(days=1), number=index + 1))
    first = await BitcoinOrder.place(database, clock, buyer)
    second = await BitcoinOrder.place(database, clock, buyer)
    assert [await address_of(first), await address_of(second)] == [
        WALLET.address(3),
        WALLET.address(4),
    ]


async def test_freshly_checked_address_goes_before_one_that_could_not_be_checked(
    database: LentDatabase, clock: HandClock, buyer: Person
) -> None:
    await check(database, clock, 1)
    order = await BitcoinOrder.place(database, clock, buyer)
    assert await address_of(order) == WALLET.address(1)


async def test_address_where_aeonto_pays_is_passed_over(
    database: LentDatabase, clock: HandClock
) -> None:
    async with database.sessions() as session:
        found = await address_checks.keep(
            session,
            WALLET,
            0,
            (),
            tip_height=TIP,
            destination=WALLET.address(0).upper(),
            now=clock.now(),
        )
    assert found == "destination"


async def test_next_address_is_checked_often_and_those_behind_it_rarely(
    database: LentDatabase, clock: HandClock
) -> None:
    async def due() -> int | None:
        async with database.reading() as connection:
            return await address_checks.due(connection, WALLET, clock.now())

    checked = []
    while (index := await due()) is not None:
        checked.append(index)
        await check(database, clock, index)
    assert checked == [0, 1, 2, 3, 4]
    clock.advance(15)
    assert await due() == 0
    await check(database, clock, 0, output())
    assert await due() == 1, "which is the next one now"
    await check(database, clock, 1)
    assert await due() == 5, "one that is used is replaced"


# Orders that got an address where something lay


async def test_what_lay_there_pays_nothing_and_new_money_does(
    database: LentDatabase, clock: HandClock, buyer: Person
) -> None:
    old = mined(clock, ago=timedelta(minutes=5))
    order = await BitcoinOrder.place(database, clock, buyer)
    applied = await order.shown(old)
    assert (applied.moved_to, applied.alarm) == (None, "money_before_order")
    assert (await status_of(order), await alarms(order)) == ("UNPAID", ["money_before_order"])
    assert (await order.payment()).received_btc == 0
    async with database.reading() as connection:
        [(_, reason)] = await needing_attention(connection, limit=9)
    assert "before it was ordered" in reason
    assert (await order.shown(old, output(confirmations=0, number=2))).alarm is None
    assert await status_of(order) == "PAID_UNCONFIRMED"
    await order.shown(old, output(number=2))
    assert (await order.facts()).credits_granted == 10


async def test_block_that_was_known_at_the_order_never_counts_however_late_it_is_seen(
    database: LentDatabase, clock: HandClock, buyer: Person
) -> None:
    await check(database, clock, 0)
    order = await BitcoinOrder.place(database, clock, buyer)
    await order.shown()
    await order.shown(replace(mined(clock, ago=timedelta(minutes=5)), block_height=TIP))
    assert await status_of(order) == "UNPAID"
    await order.shown(replace(output(number=2), block_height=TIP + 1))
    assert (await order.facts()).credits_granted == 10


async def test_payment_mined_after_the_order_counts_at_a_height_that_a_reorganisation_reused(
    database: LentDatabase, clock: HandClock, buyer: Person
) -> None:
    await check(database, clock, 0)
    order = await BitcoinOrder.place(database, clock, buyer)
    await order.shown()
    await order.shown(replace(output(), block_height=TIP))
    assert (await order.facts()).credits_granted == 10


async def test_server_that_lags_does_not_make_old_money_new(
    database: LentDatabase, clock: HandClock, buyer: Person
) -> None:
    """One server has it in a block of an hour ago, the other does not know it yet."""
    old = mined(clock, ago=timedelta(hours=1))
    lagging = replace(old, confirmations=0, block_time=None, seen_by_all=False)
    order = await BitcoinOrder.place(database, clock, buyer)
    await order.shown(lagging)
    await order.shown(old)
    assert await status_of(order) == "UNPAID"


async def test_reorganisation_does_not_make_old_money_new(
    database: LentDatabase, clock: HandClock, buyer: Person
) -> None:
    old = mined(clock, ago=timedelta(hours=3))
    order = await BitcoinOrder.place(database, clock, buyer)
    await order.shown(old)
    await order.shown(replace(old, confirmations=0, block_time=None, mined_at=None))
    later = clock.now()
    await order.shown(replace(old, block_time=later, mined_at=later, block_height=TIP + 7))
    assert await status_of(order) == "UNPAID"


async def test_payment_after_the_order_counts_also_in_a_block_that_replaced_a_known_one(
    database: LentDatabase, clock: HandClock, buyer: Person
) -> None:
    await check(database, clock, 0)
    order = await BitcoinOrder.place(database, clock, buyer)
    await order.shown()
    await order.shown(output(confirmations=0))
    at = clock.now()
    await order.shown(output(block_time=at, mined_at=at, block_height=TIP))
    assert (await order.facts()).credits_granted == 10


async def test_honest_block_with_an_early_clock_counts_once_the_address_was_seen_empty(
    database: LentDatabase, clock: HandClock, buyer: Person
) -> None:
    order = await BitcoinOrder.place(database, clock, buyer)
    early = clock.now() - timedelta(minutes=90)
    await order.shown()
    await order.shown(output(block_time=early, mined_at=early, block_height=TIP + 1))
    assert (await order.facts()).credits_granted == 10


async def test_old_block_with_a_time_ahead_of_the_order_pays_nothing(
    database: LentDatabase, clock: HandClock, buyer: Person
) -> None:
    """A miner may write a time up to two hours ahead; the block was deep, and nobody looked."""
    await check(database, clock, 3)
    order = await BitcoinOrder.place(database, clock, buyer)
    assert await address_of(order) == WALLET.address(3)
    await check(database, clock, 4)
    other = await BitcoinOrder.place(database, clock, buyer)
    ahead = clock.now() + timedelta(minutes=90)
    old = output(confirmations=3, block_time=ahead, mined_at=ahead, block_height=TIP - 6)
    for one, number in ((order, 1), (other, 2)):
        await one.shown(replace(old, txid=f"{number:064x}"))
        assert await status_of(one) == "UNPAID"


async def test_payment_that_a_reorganisation_mined_at_a_known_height_counts_at_the_first_look(
    database: LentDatabase, clock: HandClock, buyer: Person
) -> None:
    """The first look may be late, as after an outage of the worker or of the servers."""
    await check(database, clock, 0)
    order = await BitcoinOrder.place(database, clock, buyer)
    assert await address_of(order) == WALLET.address(0)
    await order.shown(replace(output(), block_height=TIP - 5))
    assert (await order.facts()).credits_granted == 10


async def test_payment_with_an_early_clock_that_is_mined_again_lower_is_refused_in_words(
    database: LentDatabase, clock: HandClock, buyer: Person
) -> None:
    """The database counts the lowest height and the earliest time; so does the program."""
    await check(database, clock, 0)
    order = await BitcoinOrder.place(database, clock, buyer)
    await order.shown()
    early = clock.now() - timedelta(minutes=5)
    block = output(confirmations=1, block_time=early, mined_at=early, block_height=TIP + 1)
    await order.shown(block)
    assert await status_of(order) == "PAID_UNCONFIRMED"
    now = clock.now()
    again = replace(block, confirmations=2, block_time=now, mined_at=now, block_height=TIP)
    assert (await order.shown(again)).alarm == "money_before_order"
    assert (await order.facts()).credits_granted is None


async def test_what_credits_were_granted_for_is_judged_no_more(
    database: LentDatabase, clock: HandClock, buyer: Person
) -> None:
    await check(database, clock, 0)
    order = await BitcoinOrder.place(database, clock, buyer)
    await order.shown()
    await order.shown(output())
    assert (await order.facts()).credits_granted == 10
    old = mined(clock, ago=timedelta(hours=9), height=TIP - 50)
    for _ in range(4):
        applied = await order.shown(old)
        assert (applied.alarm, await status_of(order)) == (None, "PAID")


async def test_old_output_that_an_earlier_version_kept_pays_no_open_order(
    database: LentDatabase, clock: HandClock, buyer: Person
) -> None:
    """It kept the time of the block, and no height."""
    order = await BitcoinOrder.place(database, clock, buyer)
    old = mined(clock, ago=timedelta(minutes=30))
    await order.shown(replace(output(confirmations=1), block_height=None))
    async with database.sessions() as session, session.begin():
        await session.execute(
            text("UPDATE bitcoin_outputs SET arrived_at = :at"), {"at": old.mined_at}
        )
    assert (await order.shown(old)).alarm == "money_before_order"
    assert (await order.facts()).credits_granted is None


async def test_payment_seen_by_a_process_whose_clock_is_behind_counts(
    database: LentDatabase, clock: HandClock, buyer: Person
) -> None:
    order = await BitcoinOrder.place(database, clock, buyer)
    job = await order.claim_poll()
    clock.advance(-30)  # before the order, by the clock of whoever looks
    await order.apply_shown(job, [output(confirmations=0)])
    clock.advance(60)
    await order.shown(output(confirmations=0))
    await order.shown(output())
    assert (await order.facts()).credits_granted == 10


async def test_old_money_and_new_in_one_look_are_told_apart(
    database: LentDatabase, clock: HandClock, buyer: Person
) -> None:
    old = replace(mined(clock, ago=timedelta(days=9)), value_satoshi=DUE_SATOSHI * 3)
    order = await BitcoinOrder.place(database, clock, buyer)
    await order.shown(old, output(200_000, number=2))
    assert await status_of(order) == "UNDERPAID"
    assert (await order.payment()).received_btc == Decimal("0.002")


async def test_output_that_settled_an_order_of_aeonto_pays_no_other(
    database: LentDatabase, clock: HandClock, buyer: Person
) -> None:
    order = await BitcoinOrder.place(database, clock, buyer)
    undone = await BitcoinOrder.place(database, clock, buyer)
    async with database.sessions() as session, session.begin():
        await session.execute(
            text(
                "INSERT INTO settlements (order_id, txid, output_index, confirmations, at)"
                " VALUES (:id, :txid, 0, 1, now())"
            ),
            {"id": undone.id, "txid": output().txid},
        )
    await order.shown(output())
    assert (await status_of(order), await alarms(order)) == ("UNPAID", ["money_before_order"])
    async with database.sessions() as session, session.begin():
        await session.execute(text("ALTER TABLE settlements DISABLE TRIGGER append_only"))
        await session.execute(text("DELETE FROM settlements"))
        await session.execute(text("ALTER TABLE settlements ENABLE ALWAYS TRIGGER append_only"))
