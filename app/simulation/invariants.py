"""What must hold after a simulated day, whatever happened in it.

Over the books alone, by the rules of money (docs/records.md); and over the books and what the model
of AEON.to knows to be true. Written apart from the code that keeps the rules.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from app.orders.events import EventRecord
from app.orders.models import Order
from app.orders.rows import OrderRows
from app.orders.rules.rails import Rail
from app.simulation.books import Books
from app.simulation.upstream import Upstream, UpstreamOrder

_LEGAL: Final = {
    None: "TO_BE_CREATED",
    "TO_BE_CREATED": "UNPAID UNDERPAID PAID_UNCONFIRMED PAID BTC_SENT TIMED_OUT NOT_FOUND FAILED"
    " CANCELLED",
    "UNPAID": "UNDERPAID PAID_UNCONFIRMED PAID BTC_SENT TIMED_OUT NOT_FOUND CANCELLED",
    "UNDERPAID": "PAID_UNCONFIRMED PAID BTC_SENT TIMED_OUT NOT_FOUND",
    "PAID_UNCONFIRMED": "UNPAID UNDERPAID PAID BTC_SENT TIMED_OUT",
    "PAID": "BTC_SENT",
    "TIMED_OUT": "UNPAID UNDERPAID PAID_UNCONFIRMED PAID BTC_SENT",
    "NOT_FOUND": "TO_BE_CREATED UNPAID UNDERPAID PAID_UNCONFIRMED PAID BTC_SENT",
    "BTC_SENT": "",
    "FAILED": "",
    "CANCELLED": "UNDERPAID PAID_UNCONFIRMED PAID BTC_SENT",
}
_PAID: Final = ("PAID_UNCONFIRMED", "PAID", "BTC_SENT")
_FOLLOWED_FOR: Final = timedelta(hours=24)
_LATE: Final = timedelta(minutes=5)
# Replicas differ by a few seconds in what time it is.
_SKEW: Final = timedelta(seconds=10)


@dataclass(frozen=True)
class Breach:
    """A rule that does not hold, and for what."""

    rule: str
    subject: str


def breaches_of(books: Books, now: datetime) -> list[Breach]:
    """Return what is wrong in the books at a time at which no fault has happened for long."""
    moves: dict[str, list[EventRecord]] = defaultdict(list)
    for event in books.events:
        if event.kind == "moved":
            moves[event.order_id].append(event)
    found = [*_breaches_of_credits(books)]
    for rows in books.orders:
        order_id = rows.order.id
        found += [Breach(rule, order_id) for rule in _faults_of_order(rows, moves[order_id], now)]
    return found


def _breaches_of_credits(books: Books) -> Iterator[Breach]:
    sums: Counter[str] = Counter()
    for entry in books.entries:
        sums[entry.account_id] += entry.amount
        if entry.balance_after != sums[entry.account_id]:
            yield Breach("entries of an account chain", entry.account_id)
        if entry.kind != "purchase" or entry.amount <= 0 or entry.order_id is None:
            yield Breach("every entry has its cause (I6)", str(entry.order_id))
    for account_id, balance in books.balances.items():
        if balance != sums[account_id]:
            yield Breach("balance equals ledger (I1)", account_id)
        if balance < 0:
            yield Breach("never negative (I2)", account_id)
    if sum(sums.values()) != sum(books.balances.values()):
        yield Breach("conservation (I3)", "all")
    bought = defaultdict(list)
    for entry in books.entries:
        bought[entry.order_id].append(entry)
    for order in (rows.order for rows in books.orders):
        due = [(order.beneficiary_id, order.credits_granted)] if _granting(order) else []
        if [(entry.account_id, entry.amount) for entry in bought[order.id]] != due:
            yield Breach("one purchase per granted order (I4)", order.id)
    uuids = Counter(
        rows.payment.uuid for rows in books.orders if rows.payment and rows.payment.uuid
    )
    for uuid, count in uuids.items():
        if count > 1:
            yield Breach("one order per uuid (I8)", uuid)


def _granting(order: Order) -> bool:
    return order.status in ("BTC_SENT", order.granting_status)


def _faults_of_order(rows: OrderRows, moves: list[EventRecord], now: datetime) -> Iterator[str]:
    order = rows.order
    if not _final(rows, now) and (order.next_look_at is None or order.next_look_at < now - _LATE):
        yield "no order in limbo (I7)"
    unheard_of = order.status in ("TO_BE_CREATED", "FAILED") or _cancelled_unheard_of(moves)
    if rows.payment is None and not unheard_of:
        yield "no progress without a uuid (I8)"
    if order.btc_amount != order.number_of_credits * order.price_btc:
        yield "amount is credits times price (I9)"
    before = None
    for move in moves:
        if move.from_status != before:
            yield "moves chain (I10)"
        if move.to_status not in _LEGAL[move.from_status].split():
            yield f"moves are legal (I10): {move.from_status} to {move.to_status}"
        before = move.to_status
    if before != order.status:
        yield "the last move is the status (I10)"
    if _granting(order):
        yield from _faults_of_grant(order, moves)
    elif order.granted_at is not None or order.credits_granted is not None:
        yield "nothing is granted before its state (I11)"
    # One that was cancelled while a process created it, which then died, is nobody's work any more.
    is_polled = order.next_look_at is not None
    if is_polled and order.lease_until is not None and order.lease_until < now - _LATE:
        yield "no claim outlives its lease (I14)"


def _cancelled_unheard_of(moves: list[EventRecord]) -> bool:
    """Say whether an order was cancelled before AEON.to accepted it, and nothing came after."""
    last = moves[-1]
    return (last.from_status, last.to_status) == ("TO_BE_CREATED", "CANCELLED")


def _final(rows: OrderRows, now: datetime) -> bool:
    order = rows.order
    if order.rail == Rail.BITCOIN:
        return False  # its address is watched for ever
    if order.status == "CANCELLED" and rows.payment is None:
        return True  # there is nothing to look at
    return order.status in ("BTC_SENT", "FAILED") or (
        order.status in ("TIMED_OUT", "NOT_FOUND", "CANCELLED")
        and now - order.status_since >= _FOLLOWED_FOR
    )


def _faults_of_grant(order: Order, moves: list[EventRecord]) -> Iterator[str]:
    granted_at = order.granted_at
    if granted_at is None or granted_at < order.created_at:
        yield "a grant has its time (I11)"
    if order.rail == Rail.AEONTO and order.credits_granted != order.number_of_credits:
        yield "what is granted was bought (I4)"
    evident = [
        move
        for move in moves
        if move.to_status in ("PAID", "BTC_SENT")
        and (move.evidence or {}).get("state") == move.to_status
    ]
    if not evident or granted_at not in [max(move.at, order.created_at) for move in evident]:
        yield "a grant has its evidence (I11)"


def breaches_of_truth(
    books: Books, upstream: Upstream, now: float, begin: datetime
) -> list[Breach]:
    """Return where the books differ from what AEON.to did; `now` in seconds since `begin`."""
    found = [
        Breach("nothing over the limit", f"{name} {at:.3f}") for name, at in upstream.over_limit
    ]
    alarmed = {
        event.order_id for event in books.events if event.reason == "not_found_after_payment"
    }
    seen_paid = {
        event.order_id
        for event in books.events
        if event.kind == "moved" and event.to_status in _PAID
    }
    for rows in books.orders:
        order = rows.order
        if order.rail != Rail.AEONTO:
            continue
        true = upstream.orders.get(rows.payment.uuid or "") if rows.payment else None
        found += [
            Breach(rule, f"{order.id} {order.status}")
            for rule in _untruths(
                order,
                true,
                now,
                begin,
                rang=order.id in alarmed or order.id not in seen_paid,
            )
        ]
    return found


def _untruths(
    order: Order, true: UpstreamOrder | None, now: float, begin: datetime, *, rang: bool
) -> Iterator[str]:
    if true is None:
        if order.status not in ("FAILED", "CANCELLED"):
            yield "every order is accepted, or has failed or been cancelled, in the end"
        return
    if (
        Decimal(true.btc_amount) != order.btc_amount
        or true.btc_dest_address != order.btc_dest_address
    ):
        yield "AEON.to was asked for what was ordered (I9)"
    earned_at = true.when(order.granting_status) or true.when("BTC_SENT")
    earned = earned_at is not None and earned_at <= now
    if order.granted_at is not None:
        when = begin + timedelta(seconds=earned_at or 0)
        if not earned or order.granted_at < when - _SKEW:
            yield "nothing is granted that was not paid"
    theirs = true.state(now)
    # AEON.to may forget a payment. Then the operator has heard of it, or nobody looked before, or
    # whoever did was killed: then it is like an order that nobody paid.
    told = theirs == "NOT_FOUND" and rang
    if earned and order.granted_at is None and not told:
        yield "everything paid is granted, or the operator knows"
    purged = theirs == "NOT_FOUND" and order.status in ("TIMED_OUT", "BTC_SENT")
    # AEON.to hears of no cancel, and goes on with the order as if somebody might pay it.
    unpaid = theirs in ("TO_BE_CREATED", "UNPAID", "TIMED_OUT", "NOT_FOUND")
    cancelled = order.status == "CANCELLED" and unpaid
    if order.status != theirs and not purged and not told and not cancelled:
        yield f"the order has settled where AEON.to has it: {theirs}"
