"""What arrives at the address of an order, on a real database: each outcome has its own rule."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from app import audit
from app.orders import operator
from app.orders.errors import OrderNotSettled
from app.orders.poll_hints import PollHints
from app.orders.rules.poll_schedule import Urgency
from app.orders.transitions import ApplyResult
from app.runtime.db.engine import Database
from tests.orders.test_poll_hints import urgency_of
from tests.support import invariants
from tests.support.bitcoin_orders import (
    BITCOIN,
    DUE_SATOSHI,
    EXCESS,
    TERMS,
    BitcoinOrder,
    check_as_a_commit_does,
    output,
    priced,
)
from tests.support.clock import HandClock
from tests.support.databases import LentDatabase
from tests.support.orders import balance_of, count, end_leases
from tests.support.people import ACTOR, Person, make_user

HOUR, MINUTE = 3600, 60
DEARER, CHEAPER = priced(Decimal("0.002")), priced(Decimal("0.00005"))


@pytest.fixture
async def order(database: LentDatabase, clock: HandClock, buyer: Person) -> BitcoinOrder:
    """An order of ten credits in bitcoin, at 0.0005 each, for an hour and one of grace."""
    return await BitcoinOrder.place(database, clock, buyer)


@pytest.fixture(autouse=True)
async def _sound(order: BitcoinOrder) -> AsyncIterator[None]:
    """Whatever a test did, the rules of money hold afterwards."""
    yield
    assert await invariants.broken(order.database, order.clock.now()) == {}
    async with order.database.reading() as connection:
        assert await audit.breaches(connection) == []


@pytest.fixture
async def granted(order: BitcoinOrder) -> BitcoinOrder:
    """The order, paid and credited."""
    await order.shown(output())
    return order


async def status_of(order: BitcoinOrder) -> str:
    return (await order.facts()).status


async def credits_of(order: BitcoinOrder) -> int:
    """Return what the buyer has, which must be what the order says that it granted."""
    have = await count(
        order.database, "ledger_entries", "order_id = :id AND amount > 0", id=order.id
    )
    granted = (await order.facts()).credits_granted or 0
    assert have == (granted > 0)
    return granted


async def settle(order: BitcoinOrder, *, grant: bool) -> str:
    """Let an operator end an order."""
    async with order.database.sessions() as session:
        status = await operator.resolve(
            session,
            order.id,
            grant=grant,
            reason="a test",
            actor=ACTOR,
            valuation=TERMS.valuation(),
            now=order.clock.now(),
        )
    await check_as_a_commit_does(order.database)
    return status


async def rang(order: BitcoinOrder) -> list[str]:
    return [reason for kind, reason in await order.notes() if kind == "alarm"]


# What arrives in time


async def test_nothing_leaves_the_order_unpaid_until_it_times_out(order: BitcoinOrder) -> None:
    assert await order.shown() == ApplyResult(unseen_for=None)
    assert await status_of(order) == "UNPAID"
    order.clock.advance(HOUR)
    await order.shown()
    assert await order.path() == ["TO_BE_CREATED", "UNPAID", "TIMED_OUT"]
    assert await order.notes() == []


async def test_dust_keeps_no_order_alive_and_is_not_forgotten(order: BitcoinOrder) -> None:
    await order.shown(output(545))
    assert await status_of(order) == "UNPAID"
    order.clock.advance(HOUR)
    applied = await order.shown(output(545))
    assert (applied.moved_to, applied.alarm) == ("TIMED_OUT", "money_without_credits")
    assert (await order.payment()).received_btc == Decimal("0.00000545")


async def test_part_is_underpaid_and_rings_once_when_it_times_out(order: BitcoinOrder) -> None:
    part = output(DUE_SATOSHI - 1, 6)
    await order.shown(part)
    assert await status_of(order) == "UNDERPAID"
    order.clock.advance(HOUR)
    for _ in range(3):
        await order.shown(part)
    assert await order.path() == ["TO_BE_CREATED", "UNPAID", "UNDERPAID", "TIMED_OUT"]
    assert await rang(order) == ["money_without_credits"]
    assert await credits_of(order) == 0


async def test_exact_amount_grants_when_it_has_its_confirmations(
    order: BitcoinOrder, database: LentDatabase, buyer: Person
) -> None:
    for confirmations in (0, 1, 2):
        await order.shown(output(confirmations=confirmations))
    assert await order.path() == ["TO_BE_CREATED", "UNPAID", "PAID_UNCONFIRMED", "PAID"]
    assert await balance_of(database, buyer.account_id) == 10
    payment = await order.payment()
    assert (payment.confirmations_seen, payment.confirmations_wanted) == (2, 2)
    assert payment.received_btc == payment.confirmed_btc == Decimal("0.005")
    assert await order.notes() == []


async def test_new_coins_grant_with_their_hundredth_confirmation(order: BitcoinOrder) -> None:
    for confirmations in (1, 2, 99):
        await order.shown(replace(output(confirmations=confirmations), is_coinbase=True))
        payment = await order.payment()
        assert (payment.confirmations_seen, payment.confirmations_needed) == (confirmations, 100)
    assert await status_of(order) == "PAID_UNCONFIRMED"
    applied = await order.shown(replace(output(confirmations=100), is_coinbase=True))
    assert (applied.moved_to, applied.granted) == ("PAID", 10)


async def test_more_than_the_price_is_reported_and_buys_nothing(order: BitcoinOrder) -> None:
    applied = await order.shown(output(DUE_SATOSHI + 200_000))
    assert (applied.granted, applied.alarm) == (10, "money_beyond_the_price")
    assert (await order.payment()).received_btc == Decimal("0.007")
    assert (await order.shown(output(DUE_SATOSHI + 200_000))).alarm is None


async def test_more_buys_whole_credits_where_that_is_set_and_reports_the_rest(
    order: BitcoinOrder,
) -> None:
    applied = await order.shown(output(DUE_SATOSHI + 249_999), terms=EXCESS)
    assert (applied.granted, applied.alarm) == (14, "money_beyond_the_price")
    assert await credits_of(order) == 14


async def test_what_buys_its_credits_to_the_satoshi_rings_nothing(order: BitcoinOrder) -> None:
    applied = await order.shown(output(DUE_SATOSHI + 50_000), terms=EXCESS)
    assert (applied.granted, applied.alarm) == (11, None)


async def test_more_that_comes_after_the_grant_is_reported(granted: BitcoinOrder) -> None:
    applied = await granted.shown(output(), output(100_000, number=2), terms=EXCESS)
    assert (applied.granted, applied.alarm) == (0, "money_beyond_the_price")
    assert await credits_of(granted) == 10


async def test_several_transactions_count_together(order: BitcoinOrder) -> None:
    first, second = output(200_000, 3), output(300_000, 1, number=2)
    await order.shown(first)
    await order.shown(first, second)
    assert await status_of(order) == "PAID_UNCONFIRMED"
    assert (await order.payment()).confirmations_seen == 1
    await order.shown(first, replace(second, confirmations=2))
    assert await order.path() == [
        "TO_BE_CREATED", "UNPAID", "UNDERPAID", "PAID_UNCONFIRMED", "PAID",
    ]  # fmt: skip
    assert len(await order.outputs()) == 2


@pytest.mark.parametrize(
    ("unconfirmed_up_to", "one_up_to", "wanted"),
    [("0.005", "0", 0), ("0.0049", "0.005", 1), ("0.0049", "0.0049", 2)],
)
async def test_small_amounts_need_fewer_confirmations_where_that_is_set(
    order: BitcoinOrder, buyer: Person, unconfirmed_up_to: str, one_up_to: str, wanted: int
) -> None:
    bitcoin = replace(
        BITCOIN,
        unconfirmed_up_to_btc=Decimal(unconfirmed_up_to),
        one_confirmation_up_to_btc=Decimal(one_up_to),
    )
    await settle(order, grant=False)
    terms = replace(TERMS, bitcoin=bitcoin)
    small = await BitcoinOrder.place(order.database, order.clock, buyer, terms=terms)
    if wanted:
        await small.shown(output(confirmations=wanted - 1))
        assert await status_of(small) == "PAID_UNCONFIRMED"
    await small.shown(output(confirmations=wanted))
    assert await status_of(small) == "PAID"


# What arrives late


async def test_late_within_the_grace_is_honoured_at_the_old_price(order: BitcoinOrder) -> None:
    order.clock.advance(HOUR)
    await order.shown()
    order.clock.advance(HOUR - 10 * MINUTE)
    await order.shown(output(confirmations=0), terms=DEARER)
    order.clock.advance(HOUR)
    await order.shown(output(), terms=DEARER)
    assert await order.path() == [
        "TO_BE_CREATED", "UNPAID", "TIMED_OUT", "PAID_UNCONFIRMED", "PAID",
    ]  # fmt: skip
    assert await credits_of(order) == 10


async def test_block_that_was_in_time_counts_though_we_looked_late(order: BitcoinOrder) -> None:
    in_time = order.clock.now() + timedelta(hours=2)
    order.clock.advance(50 * HOUR)
    await order.shown(output(confirmations=6, block_time=in_time), terms=DEARER)
    assert await credits_of(order) == 10


@pytest.mark.parametrize(("terms", "granted"), [(DEARER, 2), (CHEAPER, 10)])
async def test_later_than_the_grace_buys_what_it_buys_today_and_no_more_than_ordered(
    order: BitcoinOrder, terms: object, granted: int
) -> None:
    order.clock.advance(2 * HOUR + 1)
    applied = await order.shown(output(), terms=terms)  # type: ignore[arg-type]
    assert (applied.moved_to, applied.granted) == ("PAID", granted)
    assert applied.alarm == "money_beyond_the_price"
    assert await credits_of(order) == granted


async def test_late_money_that_buys_nothing_today_rings(order: BitcoinOrder) -> None:
    order.clock.advance(2 * HOUR + 1)
    applied = await order.shown(output(), terms=priced(Decimal("0.0051")))
    assert (applied.moved_to, applied.alarm) == ("TIMED_OUT", "money_without_credits")
    await order.shown(output())
    assert await credits_of(order) == 10


# What is taken back


async def test_bumped_transaction_replaces_the_old_one_and_pays_once(order: BitcoinOrder) -> None:
    old, new = output(confirmations=0), output(confirmations=0, number=2)
    await order.shown(replace(old, replaceable=True))
    applied = await order.shown(new)
    assert applied == ApplyResult()
    replaced_at = order.clock.now()
    await order.shown(replace(new, confirmations=2))
    assert await order.outputs() == [(old.txid, replaced_at), (new.txid, None)]
    assert (await order.payment()).received_btc == Decimal("0.005")
    assert await credits_of(order) == 10
    assert await order.notes() == []


async def test_output_that_comes_back_is_no_longer_gone(order: BitcoinOrder) -> None:
    came = order.clock.now()
    await order.shown(output(confirmations=0))
    await order.shown()
    await order.shown(output())
    assert await order.outputs() == [(output().txid, None)]
    where = "order_id = :id AND arrived_at < :later"
    later = came + timedelta(seconds=15)
    assert await count(order.database, "bitcoin_outputs", where, id=order.id, later=later) == 1


async def test_payment_replaced_away_is_believed_gone_after_three_sightings_over_ten_minutes(
    order: BitcoinOrder,
) -> None:
    await order.shown(output(confirmations=0, replaceable=True))
    begun = order.clock.now()
    looks = 0
    while (applied := await order.shown()).moved_to is None:
        looks += 1
        assert await status_of(order) == "PAID_UNCONFIRMED"
    assert looks >= 2
    assert order.clock.now() - begun >= timedelta(minutes=10)
    assert (applied.moved_to, applied.alarm) == ("UNPAID", "payment_reorganised_away")
    assert await rang(order) == ["payment_reorganised_away"]
    await order.shown(output(number=2))
    assert await credits_of(order) == 10


async def test_double_spent_after_the_window_times_out_with_an_alarm(order: BitcoinOrder) -> None:
    await order.shown(output(confirmations=0))
    order.clock.advance(HOUR)
    await order.shown()
    order.clock.advance(10 * MINUTE)
    await order.shown()
    applied = await order.shown()
    assert (applied.moved_to, applied.alarm) == ("TIMED_OUT", "payment_reorganised_away")
    assert await credits_of(order) == 0


async def test_part_that_is_double_spent_leaves_the_order_underpaid(order: BitcoinOrder) -> None:
    await order.shown(output(200_000, 0))
    await order.shown()
    assert await status_of(order) == "UNDERPAID"
    assert (await order.payment()).received_btc == 0


async def test_reorganised_after_one_confirmation_waits_and_grants_when_it_is_back(
    order: BitcoinOrder,
) -> None:
    for confirmations in (1, 0, 0, 1, 2):
        await order.shown(output(confirmations=confirmations))
    assert await order.path() == ["TO_BE_CREATED", "UNPAID", "PAID_UNCONFIRMED", "PAID"]
    assert await order.notes() == []


async def test_short_disappearance_does_not_add_up_with_another(order: BitcoinOrder) -> None:
    seen = output(confirmations=0)
    await order.shown(seen)
    for _ in range(4):
        await order.shown()
        order.clock.advance(10 * MINUTE)
        await order.shown()
        await order.shown(seen)
    assert await status_of(order) == "PAID_UNCONFIRMED"


@pytest.mark.parametrize("left", [(), (output(confirmations=1),), (output(400_000, number=2),)])
async def test_payment_gone_after_the_grant_takes_nothing_back_and_rings_once(
    granted: BitcoinOrder, left: tuple[object, ...]
) -> None:
    for _ in range(5):
        await granted.shown(*left)  # type: ignore[arg-type]
    assert await rang(granted) == ["granted_payment_gone"]
    assert await status_of(granted) == "PAID"
    assert await credits_of(granted) == 10
    assert (await granted.facts()).next_look_at is not None


async def test_payment_that_is_back_after_the_grant_rings_nothing(granted: BitcoinOrder) -> None:
    for shown in ((), (), (output(),), (), ()):
        await granted.shown(*shown)
    assert await rang(granted) == []


async def test_price_that_rises_after_the_grant_changes_nothing(order: BitcoinOrder) -> None:
    order.clock.advance(3 * HOUR)
    await order.shown(output())
    for _ in range(4):
        await order.shown(output(), terms=priced(Decimal(1)))
    assert (await status_of(order), await order.notes()) == ("PAID", [])


# Whose money it is, and who says so


async def test_output_counts_for_one_order_only(
    database: LentDatabase, clock: HandClock, buyer: Person, granted: BitcoinOrder
) -> None:
    other = await BitcoinOrder.place(database, clock, buyer)
    job = await other.claim_poll()
    with pytest.raises(IntegrityError, match="pk_bitcoin_outputs"):
        await other.apply_shown(job, [output()])
    assert (await other.path())[-1] == "UNPAID"
    await settle(other, grant=False)
    assert await balance_of(database, buyer.account_id) == 10


async def test_two_outputs_of_one_transaction_may_pay_two_orders(
    database: LentDatabase, clock: HandClock, buyer: Person, granted: BitcoinOrder
) -> None:
    other = await BitcoinOrder.place(database, clock, buyer)
    await other.shown(output(output_index=1))
    assert await balance_of(database, buyer.account_id) == 20


async def test_second_report_of_the_same_grants_nothing(granted: BitcoinOrder) -> None:
    assert await granted.shown(output()) == ApplyResult()
    assert await credits_of(granted) == 10


async def test_answer_whose_lease_was_taken_over_does_nothing(order: BitcoinOrder) -> None:
    late = await order.claim_poll()
    await end_leases(order.database)
    job = await order.claim_poll()
    assert await order.apply_shown(late, [output()]) == ApplyResult(lease_lost=True)
    assert await order.outputs() == []
    assert (await order.apply_shown(job, [output()])).granted == 10


async def test_two_replicas_that_apply_at_once_grant_once(
    committed_database: Database, clock: HandClock
) -> None:
    buyer = await make_user(committed_database, clock.now())
    placed = await BitcoinOrder.place(committed_database, clock, buyer)
    job = await placed.claim_poll()
    applied = await asyncio.gather(*(placed.apply_shown(job, [output()]) for _ in range(2)))
    assert sorted((one.granted, one.lease_lost) for one in applied) == [(0, True), (10, False)]
    assert await balance_of(committed_database, buyer.account_id) == 10
    assert await invariants.broken(committed_database, clock.now()) == {}


async def test_payment_for_an_order_that_an_operator_closed_rings_once_and_moves_nothing(
    order: BitcoinOrder,
) -> None:
    await settle(order, grant=False)
    for _ in range(3):
        await order.shown(output())
    assert await rang(order) == ["money_without_credits"]
    assert (await status_of(order), await credits_of(order)) == ("FAILED", 0)


async def test_operator_grants_by_hand_what_was_ordered_and_the_chain_is_not_held_against_it(
    order: BitcoinOrder,
) -> None:
    await order.shown(output(499_000))
    held = await order.claim_poll()
    assert await settle(order, grant=True) == "PAID"
    assert await order.apply_shown(held, [output()]) == ApplyResult(lease_lost=True)
    for _ in range(4):
        await order.shown()
    assert (await credits_of(order), await order.notes()) == (10, [])


@pytest.mark.parametrize("grant", [True, False])
async def test_operator_moves_no_order_in_bitcoin_beyond_its_grant(
    granted: BitcoinOrder, grant: bool
) -> None:
    with pytest.raises(OrderNotSettled):
        await settle(granted, grant=grant)
    assert await status_of(granted) == "PAID"


async def test_order_whose_address_an_earlier_version_gave_away_is_never_looked_at_again(
    order: BitcoinOrder,
) -> None:
    order.clock.advance(HOUR)
    await order.shown()
    async with order.database.sessions() as session, session.begin():
        for statement in (
            "SET CONSTRAINTS ALL IMMEDIATE",
            "ALTER TABLE bitcoin_addresses DISABLE TRIGGER keep_address",
            "UPDATE bitcoin_addresses SET released_at = taken_at + interval '180 days'",
            "UPDATE orders SET next_look_at = NULL",
            "ALTER TABLE bitcoin_addresses ENABLE ALWAYS TRIGGER keep_address",
            "SET CONSTRAINTS ALL DEFERRED",
        ):
            await session.execute(text(statement))
    with pytest.raises(OrderNotSettled):
        await settle(order, grant=True)
    assert await settle(order, grant=False) == "FAILED"
    assert (await order.facts()).next_look_at is None


# When the address is looked at next


async def pause(order: BitcoinOrder) -> timedelta:
    due = (await order.facts()).next_look_at
    assert due is not None
    return due - order.clock.now()


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        ((), timedelta(seconds=10)),
        ((output(1_000),), timedelta(seconds=10)),
        ((output(confirmations=0),), timedelta(seconds=10)),
        ((output(),), timedelta(minutes=10)),
    ],
)
async def test_address_is_looked_at_often_while_money_is_awaited(
    order: BitcoinOrder, shown: tuple[object, ...], expected: timedelta
) -> None:
    await order.shown(*shown)  # type: ignore[arg-type]
    assert await pause(order) == expected


async def test_order_about_to_time_out_is_urgent(order: BitcoinOrder) -> None:
    order.clock.advance(HOUR - 70)
    await order.shown()
    assert await urgency_of(order) is Urgency.EXPIRING


@pytest.mark.parametrize("end", ["TIMED_OUT", "PAID", "FAILED"])
async def test_address_of_an_order_that_is_over_is_watched_for_ever_and_ever_more_rarely(
    order: BitcoinOrder, end: str
) -> None:
    shown = [output()] if end == "PAID" else []
    if end == "FAILED":
        await settle(order, grant=False)
    else:
        order.clock.advance(2 * HOUR - 1)
        await order.shown(*shown)
    assert await status_of(order) == end
    pauses = []
    for waited in (0, 3 * HOUR, 48 * HOUR, 40 * 24 * HOUR, 3650 * 24 * HOUR):
        order.clock.advance(waited)
        await order.shown(*shown)
        pauses.append(await pause(order))
    assert pauses == sorted(pauses)
    assert pauses[-1] == timedelta(days=7)


@pytest.mark.parametrize(
    ("shown", "hastened"), [((), True), ((output(confirmations=0),), True), ((output(),), False)]
)
async def test_asking_brings_an_awaited_order_forward_to_five_seconds(
    order: BitcoinOrder, shown: tuple[object, ...], hastened: bool
) -> None:
    await order.shown(*shown)  # type: ignore[arg-type]
    poll_hints = PollHints()
    poll_hints.note(order.id)
    await poll_hints.flush(order.database, order.clock.now())
    assert (await pause(order) == timedelta(seconds=5)) is hastened
    if hastened:
        assert await urgency_of(order) is Urgency.ASKED
