"""What has arrived at the address of an order, and what that means: pure, for every store.

All that pays the address counts, in however many transactions. Amounts are in satoshi.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from app.orders.rules.states import OrderStatus
from app.partners.esplora.outputs import COINBASE_MATURITY, OutputId, ReceivedOutput

# Less than an output of which a node would relay the spending (Bitcoin Core's dust limit of P2PKH).
DUST_SATOSHI: Final = 546

_OVER: Final = frozenset({OrderStatus.TIMED_OUT, OrderStatus.FAILED, OrderStatus.CANCELLED})


@dataclass(frozen=True, kw_only=True)
class Invoice:
    """What an order asks for, as it was fixed when the order was placed."""

    due_satoshi: int
    number_of_credits: int
    price_satoshi: int
    expires_at: datetime
    late_until: datetime
    confirmations_wanted: int


@dataclass(frozen=True, kw_only=True)
class Valuation:
    """How money is valued now: the price of a credit, and whether an excess buys more of them."""

    price_satoshi: int
    excess_to_credits: bool


@dataclass(frozen=True, kw_only=True)
class PaymentSummary:
    """What arrived, and the state that it puts the order in.

    `confirmed_satoshi` came in outputs with the confirmations that each wants; `confirmations` are
    those of the amount as a whole, of the `confirmations_wanted` that its slowest part wants.
    `credits` is what a grant would be, at `price_satoshi` each.
    """

    state: OrderStatus
    received_satoshi: int
    confirmed_satoshi: int
    confirmations: int
    confirmations_wanted: int
    credits: int
    price_satoshi: int


def arrived_at(
    arrivals: Collection[ReceivedOutput], seen: Mapping[OutputId, datetime], now: datetime
) -> dict[OutputId, datetime]:
    """Return when each output came: when it was first seen here, or its block's time if earlier."""
    times = {}
    for arrival in arrivals:
        first = seen.get(arrival.id, now)
        times[arrival.id] = min(first, arrival.block_time or first)
    return times


def evaluate_payment(
    invoice: Invoice,
    arrivals: Sequence[ReceivedOutput],
    came_at: Mapping[OutputId, datetime],
    *,
    status: OrderStatus,
    valuation: Valuation,
    now: datetime,
) -> PaymentSummary:
    """Say what the arrivals mean for an order that is in `status`.

    Money that completed the amount later than `late_until` is worth what it buys today.
    """
    received = sum(arrival.value_satoshi for arrival in arrivals)
    confirmed = sum(
        arrival.value_satoshi
        for arrival in arrivals
        if _is_confirmed(arrival, invoice.confirmations_wanted)
    )
    price = invoice.price_satoshi
    if _is_late(invoice, arrivals, came_at):
        price = valuation.price_satoshi
    credits_due = credits_bought(
        invoice.number_of_credits, max(confirmed, invoice.due_satoshi), price, valuation
    )
    confirmations, wanted = _slowest_part(invoice, arrivals)
    return PaymentSummary(
        state=_state(
            invoice,
            received,
            confirmed,
            status,
            now,
            # What was granted stays worth it, whatever credits cost later.
            worthless=credits_due == 0 and status is not OrderStatus.PAID,
        ),
        received_satoshi=received,
        confirmed_satoshi=confirmed,
        confirmations=confirmations,
        confirmations_wanted=wanted,
        credits=credits_due,
        price_satoshi=price,
    )


def credits_bought(
    number_of_credits: int, satoshi: int, price_satoshi: int, valuation: Valuation
) -> int:
    """Return how many credits an order of so many gets for an amount, at a price for each."""
    affordable = satoshi // price_satoshi
    if valuation.excess_to_credits:
        return affordable
    return min(affordable, number_of_credits)


def unmatched_money(status: OrderStatus, received: int, credited: int) -> str | None:
    """Name the alarm for money that an order in `status` has no credits for; None: there is none.

    `credited` is what was granted, at the price of the grant; 0 without a grant.
    """
    if status in _OVER and received > 0:
        return "money_without_credits"
    if status is OrderStatus.PAID and received - credited >= DUST_SATOSHI:
        return "money_beyond_the_price"
    return None


def _is_confirmed(arrival: ReceivedOutput, wanted: int) -> bool:
    """Say whether an output counts: without confirmations only if nobody may take it back."""
    wanted = wanted_by(arrival, wanted)
    if arrival.confirmations >= max(wanted, 1):
        return True
    return wanted == 0 and arrival.seen_by_all and not arrival.replaceable


def wanted_by(arrival: ReceivedOutput, wanted: int) -> int:
    """Return the confirmations that an output wants: new coins those that make them coins."""
    return max(wanted, COINBASE_MATURITY) if arrival.is_coinbase else wanted


def _is_late(
    invoice: Invoice, arrivals: Sequence[ReceivedOutput], came_at: Mapping[OutputId, datetime]
) -> bool:
    missing = invoice.due_satoshi
    for arrival in sorted(arrivals, key=lambda one: came_at[one.id]):
        missing -= arrival.value_satoshi
        if missing <= 0:
            return came_at[arrival.id] > invoice.late_until
    return False


def _slowest_part(invoice: Invoice, arrivals: Sequence[ReceivedOutput]) -> tuple[int, int]:
    """Return the confirmations of the amount as a whole, and how many are wanted.

    Both are those of the last part that completes it, when those come first that lack the least.
    """
    wanted = invoice.confirmations_wanted
    missing = invoice.due_satoshi

    def lacking(arrival: ReceivedOutput) -> tuple[int, int]:
        return wanted_by(arrival, wanted) - arrival.confirmations, -arrival.confirmations

    for arrival in sorted(arrivals, key=lacking):
        missing -= arrival.value_satoshi
        if missing <= 0:
            return arrival.confirmations, wanted_by(arrival, wanted)
    return 0, wanted


def _state(
    invoice: Invoice,
    received: int,
    confirmed: int,
    status: OrderStatus,
    now: datetime,
    *,
    worthless: bool,
) -> OrderStatus:
    if received >= invoice.due_satoshi and not worthless:
        enough = confirmed >= invoice.due_satoshi
        return OrderStatus.PAID if enough else OrderStatus.PAID_UNCONFIRMED
    if now >= invoice.expires_at:
        return OrderStatus.TIMED_OUT
    # What was paid in part is not unpaid again when that part vanishes: it waits.
    if received >= DUST_SATOSHI or status is OrderStatus.UNDERPAID:
        return OrderStatus.UNDERPAID
    return OrderStatus.UNPAID
