"""In what state the buyer finds an order, in words, and what there is to do: pure.

It says the same as the answers of the API, for it is made of the same facts.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Final

from app.orders.payment_page.texts import text, time_words
from app.orders.payment_responses import asked_of
from app.orders.queries import OrderView
from app.orders.rules.bitcoin_payments import DUST_SATOSHI, Valuation
from app.orders.rules.rails import Rail
from app.orders.rules.states import OrderStatus
from app.orders.rules.transition import OrderFailureReason
from app.orders.schemas import PaymentResponse
from app.runtime.money import SATOSHI, plain

COINS: Final = {Rail.AEONTO: "AEON", Rail.BITCOIN: "BTC"}
_DUST: Final = DUST_SATOSHI * SATOSHI
_NOTHING: Final = Decimal(0)


class PageState(StrEnum):
    """What a buyer may find an order in."""

    PREPARING = "preparing"
    WAITING = "waiting"
    PART_PAID = "part_paid"
    SEEN = "seen"
    CONFIRMING = "confirming"
    PAID = "paid"
    CREDITED = "credited"
    REPLACED = "replaced"
    TIMED_OUT = "timed_out"
    CANCELLED = "cancelled"
    FAILED = "failed"
    UNKNOWN = "unknown"


_OVER: Final = {
    OrderStatus.TIMED_OUT: PageState.TIMED_OUT,
    OrderStatus.CANCELLED: PageState.CANCELLED,
    OrderStatus.FAILED: PageState.FAILED,
    OrderStatus.NOT_FOUND: PageState.UNKNOWN,
}
_FAILURES: Final[Mapping[str, str]] = {
    OrderFailureReason.REFUSED: "failed_refused",
    OrderFailureReason.DEADLINE: "failed_deadline",
    OrderFailureReason.CLOSED: "failed_closed",
}


@dataclass(frozen=True)
class Situation:
    """A state, its headline, and what the buyer must know and do, sentence by sentence."""

    state: PageState
    headline: str
    sentences: Sequence[str]


@dataclass(frozen=True)
class _Facts:
    """What the sentences are made of; `coin` is what the order is paid in."""

    order: OrderView
    payment: PaymentResponse | None
    valuation: Valuation
    now: datetime

    @property
    def coin(self) -> str:
        return COINS[self.order.rail]

    @property
    def received(self) -> Decimal:
        """What has arrived; in AEON nobody says it."""
        known = self.payment.amount_received if self.payment else None
        return known or _NOTHING

    def say(self, key: str, **values: object) -> str:
        return text(key, coin=self.coin, order_id=self.order.id, **values)


def situation_of(
    order: OrderView, payment: PaymentResponse | None, valuation: Valuation, now: datetime
) -> Situation:
    """Say in what state the buyer finds an order; `payment` is what an answer says of it now."""
    facts = _Facts(order, payment, valuation, now)
    state = _state_of(facts)
    return Situation(state, _headline(state, facts), list(_SENTENCES[state](facts)))


def _state_of(facts: _Facts) -> PageState:
    order, payment = facts.order, facts.payment
    if order.credits_granted is not None:
        return PageState.CREDITED
    if payment is not None and payment.vanished:
        return PageState.REPLACED
    if asked_of(order, facts.now).over:
        return _OVER.get(order.status, PageState.TIMED_OUT)
    match order.status:
        case OrderStatus.UNDERPAID:
            return PageState.PART_PAID
        case OrderStatus.PAID_UNCONFIRMED:
            return PageState.CONFIRMING if _is_confirming(payment) else PageState.SEEN
        case OrderStatus.PAID | OrderStatus.BTC_SENT:
            return PageState.PAID
        case OrderStatus.UNPAID if payment is not None and payment.pay_to is not None:
            return PageState.WAITING
        case _:
            return PageState.PREPARING


def _is_confirming(payment: PaymentResponse | None) -> bool:
    if payment is None or payment.confirmations_remaining is None:
        return False
    return payment.confirmations_seen is None or payment.confirmations_seen > 0


def _headline(state: PageState, facts: _Facts) -> str:
    payment, granted = facts.payment, facts.order.credits_granted
    if state is PageState.CREDITED:
        return text("credited_one") if granted == 1 else text("credited", credits=granted)
    if state is PageState.CONFIRMING and payment and payment.confirmations_seen is not None:
        seen = payment.confirmations_seen
        wanted = max(payment.confirmations_wanted or 0, seen + 1)
        return text("confirming_of", seen=seen, wanted=wanted)
    return text(state.value)


def _preparing(facts: _Facts) -> Iterator[str]:
    yield facts.say("preparing_why")


def _waiting(facts: _Facts) -> Iterator[str]:
    yield facts.say("waiting_how", amount=_remaining(facts))


def _part_paid(facts: _Facts) -> Iterator[str]:
    if facts.received and facts.payment and facts.payment.amount_total is not None:
        total = plain(facts.payment.amount_total)
        yield facts.say("part_paid_of", received=plain(facts.received), total=total)
    yield facts.say("part_paid_rest", amount=_remaining(facts))


def _remaining(facts: _Facts) -> str:
    known = facts.payment.amount_remaining if facts.payment else None
    return plain(known or _NOTHING)


def _seen(facts: _Facts) -> Iterator[str]:
    yield facts.say("seen_why")
    yield from _while_confirming(facts)


def _confirming(facts: _Facts) -> Iterator[str]:
    left = facts.payment.confirmations_remaining if facts.payment else None
    if left == 1:
        yield facts.say("confirming_left_one")
    elif left:
        yield facts.say("confirming_left", left=left)
    yield facts.say("confirming_why")
    yield from _while_confirming(facts)


def _while_confirming(facts: _Facts) -> Iterator[str]:
    late_until = facts.payment.late_until if facts.payment else None
    if late_until is not None and facts.now > late_until:
        yield facts.say("confirming_late", time=time_words(late_until))
    excess = facts.received - facts.order.btc_amount
    if facts.order.rail is Rail.BITCOIN and excess >= _DUST:
        whole = facts.valuation.excess_to_credits and excess >= facts.order.price_btc
        key = "confirming_excess" if whole else "confirming_excess_back"
        yield facts.say(key, excess=plain(excess))


def _paid(facts: _Facts) -> Iterator[str]:
    yield facts.say("paid_why")


def _credited(facts: _Facts) -> Iterator[str]:
    order, granted = facts.order, facts.order.credits_granted or 0
    price = order.grant_price_btc
    if facts.payment is not None and facts.payment.vanished:
        yield facts.say("credited_gone")
        return
    yield facts.say("credited_given" if order.given else "credited_why")
    if order.rail is not Rail.BITCOIN or price is None:
        return
    bought = {"ordered": order.number_of_credits, "credits": granted, "price": plain(price)}
    late_until = facts.payment.late_until if facts.payment else None
    if price != order.price_btc and late_until is not None:
        yield facts.say("credited_late", time=time_words(late_until), **bought)
    elif granted != order.number_of_credits:
        yield facts.say("credited_other", **bought)
    excess = facts.received - granted * price
    if excess >= _DUST:
        yield facts.say("credited_excess", excess=plain(excess))


def _replaced(facts: _Facts) -> Iterator[str]:
    yield facts.say("replaced_why")
    if facts.order.status is OrderStatus.UNDERPAID:
        yield facts.say("replaced_pay", amount=_remaining(facts))
    else:
        yield facts.say("replaced_wait")


def _timed_out(facts: _Facts) -> Iterator[str]:
    yield from _over("timed_out_next", facts)


def _cancelled(facts: _Facts) -> Iterator[str]:
    yield from _over("cancelled_next", facts)


def _unknown(facts: _Facts) -> Iterator[str]:
    yield from _over("unknown_next", facts)


def _failed(facts: _Facts) -> Iterator[str]:
    reason = _FAILURES.get(facts.order.failure_reason or "")
    if reason is not None:
        yield facts.say(reason)
    yield from _over("failed_next", facts)


def _over(next_key: str, facts: _Facts) -> Iterator[str]:
    """Say what to do about an order that is over, and what money does that came or still comes."""
    yield facts.say(next_key)
    late = facts.payment.late_payment if facts.payment else None
    if late is None:
        yield facts.say("over_never_asked")
        return
    if facts.received:
        yield facts.say("over_received", received=plain(facts.received))
    if late.credits is None:
        yield facts.say("over_late_aeonto")
        return
    if late.credits == 0:
        yield facts.say("over_late_nothing")
        return
    total = plain(facts.order.btc_amount)
    if late.until is not None:
        until = time_words(late.until)
        yield facts.say("over_late_in_grace", total=total, time=until, credits=late.credits)
        return
    yield facts.say(
        "over_late_today",
        total=total,
        credits=late.credits,
        ordered=facts.order.number_of_credits,
        price=plain(late.credit_price_btc or _NOTHING),
    )


_SENTENCES: Final = {
    PageState.PREPARING: _preparing,
    PageState.WAITING: _waiting,
    PageState.PART_PAID: _part_paid,
    PageState.SEEN: _seen,
    PageState.CONFIRMING: _confirming,
    PageState.PAID: _paid,
    PageState.CREDITED: _credited,
    PageState.REPLACED: _replaced,
    PageState.TIMED_OUT: _timed_out,
    PageState.CANCELLED: _cancelled,
    PageState.UNKNOWN: _unknown,
    PageState.FAILED: _failed,
}
