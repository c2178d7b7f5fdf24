"""An order's life as AEON.to lives it: paid in part, in full, too late, confirmed, sent, purged.

What time alone brings about (an address, a timeout, the steps of automatic mode) is worked out
whenever somebody looks, so that no task need run and a restart misses nothing.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import ROUND_DOWN, Decimal
from enum import StrEnum
from typing import Final

TIMEOUT: Final = timedelta(seconds=900)
CONFIRMATIONS_BEFORE_PURGE: Final = 144
AEON_CONFIRMATIONS: Final = 1
NOT_APPLICABLE: Final = -1
# AEON.to API v3, in its examples: amounts have 7 decimals.
AEON_QUANTUM: Final = Decimal("0.0000001")


class State(StrEnum):
    """The states of AEON.to API v3, "Querying order status"."""

    TO_BE_CREATED = "TO_BE_CREATED"
    UNPAID = "UNPAID"
    UNDERPAID = "UNDERPAID"
    PAID_UNCONFIRMED = "PAID_UNCONFIRMED"
    PAID = "PAID"
    BTC_SENT = "BTC_SENT"
    TIMED_OUT = "TIMED_OUT"
    NOT_FOUND = "NOT_FOUND"


PAYABLE: Final = frozenset({State.UNPAID, State.UNDERPAID})
PAID_UP: Final = frozenset({State.PAID_UNCONFIRMED, State.PAID, State.BTC_SENT})


class NotPossible(Exception):
    """The present state does not allow what a control asks; the message says why."""


@dataclass
class Payment:
    """AEON that arrived for an order."""

    amount: Decimal
    at: datetime
    late: bool


@dataclass
class Order:
    """One order; bitcoin amounts in BTC, incoming amounts in AEON, the price in BTC per AEON.

    `lies` are what status answers claim instead of the truth, each as JSON text.
    `btc_transaction_id` names the transaction that pays it out, once it was sent.
    """

    uuid: str
    btc_amount: Decimal
    btc_dest_address: str
    pp_url: str | None
    price: Decimal
    incoming_total: Decimal
    receiving_address: str
    receiving_integrated_address: str
    payment_id_long: str
    payment_id_short: str
    created_at: datetime
    expires_at: datetime
    changed_at: datetime
    state: State = State.TO_BE_CREATED
    aeon_confirmations_remaining: int = NOT_APPLICABLE
    payments: list[Payment] = field(default_factory=list)
    polls: int = 0
    last_polled_at: datetime | None = None
    lies: dict[str, str] = field(default_factory=dict)
    btc_transaction_id: str = ""

    @property
    def received(self) -> Decimal:
        """How much AEON has arrived."""
        return sum((payment.amount for payment in self.payments), Decimal(0))

    @property
    def remaining(self) -> Decimal:
        """How much AEON is still to be paid; never negative."""
        return max(self.incoming_total - self.received, Decimal(0))


@dataclass(frozen=True)
class Rules:
    """How time moves orders.

    `auto_since` is when automatic mode began (None: it is off); up to `zero_conf_max_amount` BTC
    (None: never) an order is paid without waiting for confirmations.
    """

    creation_delay: timedelta
    auto_since: datetime | None
    auto_step: timedelta
    zero_conf_max_amount: Decimal | None

    def state_when_paid(self, order: Order) -> State:
        """Return the state that a full payment leads to."""
        limit = self.zero_conf_max_amount
        trusted = limit is not None and order.btc_amount <= limit
        return State.PAID if trusted else State.PAID_UNCONFIRMED


def settle(order: Order, rules: Rules, now: datetime) -> bool:
    """Let everything happen that time has brought about; say whether anything did."""
    changed = False
    while (event := _next_event(order, rules)) is not None and event[0] <= now:
        at, state = event
        place(order, state, at)
        changed = True
    return changed


def _next_event(order: Order, rules: Rules) -> tuple[datetime, State] | None:
    if order.state is State.TO_BE_CREATED:
        return order.changed_at + rules.creation_delay, State.UNPAID
    events = []
    if order.state in PAYABLE:
        events.append((order.expires_at, State.TIMED_OUT))
    following = next_state(order, rules)
    if rules.auto_since is not None and following is not None:
        since = max(order.changed_at, rules.auto_since)
        events.append((since + rules.auto_step, following))
    return min(events, default=None)


def next_state(order: Order, rules: Rules) -> State | None:
    """Return the next rung of an order on its way to BTC_SENT; None where there is none."""
    match order.state:
        case State.TO_BE_CREATED:
            return State.UNPAID
        case State.UNPAID | State.UNDERPAID:
            return rules.state_when_paid(order)
        case State.PAID_UNCONFIRMED:
            return State.PAID
        case State.PAID:
            return State.BTC_SENT
        case State.BTC_SENT | State.TIMED_OUT | State.NOT_FOUND:
            return None


def place(order: Order, state: State, at: datetime) -> None:
    """Put an order into a state, from whichever it is in, and make the rest of it agree."""
    if state is order.state:
        return
    if state in PAID_UP and order.remaining:
        order.payments.append(Payment(order.remaining, at, late=order.state is State.TIMED_OUT))
    if state in (State.TO_BE_CREATED, State.UNPAID):
        order.payments.clear()
    if state is State.UNDERPAID:
        half = (order.incoming_total / 2).quantize(AEON_QUANTUM, rounding=ROUND_DOWN)
        order.payments = [Payment(half, at, late=False)]
    if state is State.TIMED_OUT:
        order.expires_at = min(order.expires_at, at)
        if not order.remaining:
            order.payments.clear()
    elif state in PAYABLE and order.expires_at <= at:
        order.expires_at = at + TIMEOUT
    _enter(order, state, at)


def _enter(order: Order, state: State, at: datetime) -> None:
    order.state = state
    order.changed_at = at
    waits = {State.PAID_UNCONFIRMED: AEON_CONFIRMATIONS, State.PAID: 0, State.BTC_SENT: 0}
    order.aeon_confirmations_remaining = waits.get(state, NOT_APPLICABLE)


def pay(order: Order, amount: Decimal | None, at: datetime, rules: Rules, *, late: bool) -> None:
    """Let AEON arrive, by default all that remains.

    A timed-out order takes it only when `late`, and climbs again once it is paid in full.
    Raises NotPossible.
    """
    if order.state is State.NOT_FOUND:
        raise NotPossible("the order was purged")
    if order.state is State.TIMED_OUT and not late:
        raise NotPossible('the order has timed out; pay with {"late": true} to have it honoured')
    if amount is None and not order.remaining:
        raise NotPossible("nothing remains to be paid; name an amount to overpay")
    if order.state is State.TO_BE_CREATED:
        _enter(order, State.UNPAID, at)
    paid = order.remaining if amount is None else amount
    order.payments.append(Payment(paid, at, late=order.state is State.TIMED_OUT))
    if order.state in PAID_UP:
        return
    if not order.remaining:
        _enter(order, rules.state_when_paid(order), at)
    elif order.state is State.UNPAID:
        _enter(order, State.UNDERPAID, at)


def confirm(order: Order, count: int, at: datetime) -> None:
    """Add confirmations to the AEON payment. Raises NotPossible."""
    if order.state is not State.PAID_UNCONFIRMED:
        raise NotPossible(f"there is nothing to confirm while the order is {order.state}")
    order.aeon_confirmations_remaining -= count
    if order.aeon_confirmations_remaining <= 0:
        _enter(order, State.PAID, at)


def send(order: Order, at: datetime) -> None:
    """Send the bitcoin of an order that is PAID. Raises NotPossible."""
    if order.state is not State.PAID:
        raise NotPossible(f"the order must be PAID, and is {order.state}")
    _enter(order, State.BTC_SENT, at)


def expire(order: Order, at: datetime) -> None:
    """Let an order time out now. Raises NotPossible."""
    if order.state is not State.TO_BE_CREATED and order.state not in PAYABLE:
        raise NotPossible(f"an order that is {order.state} cannot time out")
    place(order, State.TIMED_OUT, at)
