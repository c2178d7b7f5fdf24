"""The view model of the payment page: what it shows of an order at a moment, in words and numbers.

Nothing here is markup, and nothing is private: neither the account nor its access code, nor how the
seller is paid by AEON.to. `situation` says in what state the buyer finds the order, and what to do.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Final
from urllib.parse import urlsplit

from app.orders.payment_page.linked_order import LinkedOrder
from app.orders.payment_page.situation import COINS, PageState, Situation, situation_of
from app.orders.payment_page.texts import text, time_words
from app.orders.payment_responses import payment_response
from app.orders.queries import OrderView
from app.orders.rules.bitcoin_payments import Valuation
from app.orders.schemas import PaymentResponse
from app.runtime.money import plain

# What may still change by itself; a page of any other state asks the server nothing more.
_FINAL: Final = frozenset({PageState.CREDITED, PageState.FAILED})
_OVER: Final = frozenset({PageState.TIMED_OUT, PageState.CANCELLED, PageState.UNKNOWN})
_REFRESH_SECONDS: Final = 15
_REFRESH_OVER_SECONDS: Final = 60
_STEPS: Final = {
    PageState.PREPARING: 0,
    PageState.WAITING: 0,
    PageState.PART_PAID: 0,
    PageState.SEEN: 1,
    PageState.CONFIRMING: 2,
    PageState.PAID: 3,
    PageState.CREDITED: 4,
}


@dataclass(frozen=True)
class Step:
    """A step on the way to the credits; `mark` is done, current or coming."""

    words: str
    mark: str


@dataclass(frozen=True)
class PaymentId:
    """For wallets that take no integrated address: the plain address, and what must go with it."""

    address: str
    payment_id: str


@dataclass(frozen=True)
class Ask:
    """What is to be paid now, where, and until when; `time_left` is as of the moment."""

    amount_words: str
    amount: str
    coin: str
    address: str
    uri: str
    payment_id: PaymentId | None
    pay_until: str | None
    seconds_left: int | None = field(compare=False)
    time_left: str | None = field(compare=False)


@dataclass(frozen=True)
class Arrival:
    """A transaction that pays the order, as the chain shows it."""

    txid: str
    amount: str
    coin: str
    confirmations: int
    gone: bool


@dataclass(frozen=True)
class Receipt:
    """What is printed once the credits are there: names and values."""

    facts: Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Back:
    """Where the buyer came from."""

    url: str
    words: str


@dataclass(frozen=True)
class PaymentPageView:
    """The whole page. Two that are equal show the same, but for the time that is left."""

    state: PageState
    title: str
    heading: str
    order_id: str
    headline: str
    sentences: Sequence[str]
    steps: Sequence[Step]
    ask: Ask | None
    arrivals: Sequence[Arrival]
    receipt: Receipt | None
    back: Back | None
    link_ends: str
    refresh_seconds: int | None

    @property
    def is_live(self) -> bool:
        """Whether it may change by itself."""
        return self.refresh_seconds is not None


def payment_page_view(linked: LinkedOrder, valuation: Valuation, now: datetime) -> PaymentPageView:
    """Return what the page behind a link shows now."""
    order = linked.order
    payment = payment_response(order, order.payment, valuation, now) if order.payment else None
    found = situation_of(order, payment, valuation, now)
    return PaymentPageView(
        state=found.state,
        title=text("title", headline=found.headline, order_id=order.id),
        heading=_counted("heading", order.number_of_credits),
        order_id=order.id,
        headline=found.headline,
        sentences=found.sentences,
        steps=_steps(found, payment),
        ask=_ask(order, found.state, payment),
        arrivals=list(_arrivals(order, payment)),
        receipt=_receipt(linked, payment) if found.state is PageState.CREDITED else None,
        back=_back(linked.return_url),
        link_ends=text("link_ends", time=time_words(linked.link_ends_at)),
        refresh_seconds=_refresh_seconds(found.state),
    )


def _counted(key: str, number_of_credits: int) -> str:
    return text(f"{key}_one") if number_of_credits == 1 else text(key, credits=number_of_credits)


def _refresh_seconds(state: PageState) -> int | None:
    if state in _FINAL:
        return None
    return _REFRESH_OVER_SECONDS if state in _OVER else _REFRESH_SECONDS


def _steps(found: Situation, payment: PaymentResponse | None) -> list[Step]:
    at = _STEPS.get(found.state)
    if at is None:
        return []
    confirming = text("step_confirming")
    if found.state is PageState.CONFIRMING and payment and payment.confirmations_wanted:
        seen, wanted = payment.confirmations_seen or 0, payment.confirmations_wanted
        confirming = text("step_confirming_of", seen=seen, wanted=max(wanted, seen + 1))
    words = [
        text("step_part_paid" if found.state is PageState.PART_PAID else "step_waiting"),
        text("step_seen"),
        confirming,
        text("step_adding" if found.state is PageState.PAID else "step_credited"),
    ]
    marks = ("done" if n < at else "current" if n == at else "coming" for n in range(len(words)))
    return [Step(*each) for each in zip(words, marks, strict=True)]


def _ask(order: OrderView, state: PageState, payment: PaymentResponse | None) -> Ask | None:
    if payment is None or payment.pay_to is None or payment.uri is None:
        return None
    remaining, left = payment.amount_remaining or Decimal(0), payment.seconds_left
    until = payment.expires_at
    return Ask(
        amount_words=text("amount_left" if state is PageState.PART_PAID else "amount"),
        amount=plain(remaining),
        coin=COINS[order.rail],
        address=payment.pay_to,
        uri=payment.uri,
        payment_id=PaymentId(payment.address, payment.payment_id_long)
        if payment.address and payment.payment_id_long
        else None,
        pay_until=None if until is None else text("pay_until", time=time_words(until)),
        seconds_left=left,
        time_left=None if left is None else _clock(left),
    )


def _clock(seconds: int) -> str:
    """Write a span as a clock does: minutes and seconds, with hours where there are any."""
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


def _arrivals(order: OrderView, payment: PaymentResponse | None) -> Iterator[Arrival]:
    for each in payment.transactions if payment else ():
        yield Arrival(
            each.txid, plain(each.amount), COINS[order.rail], each.confirmations, each.gone
        )


def _receipt(linked: LinkedOrder, payment: PaymentResponse | None) -> Receipt:
    order, coin = linked.order, COINS[linked.order.rail]
    paid = None
    if payment is not None:
        received = payment.amount_received
        paid = payment.amount_total if received is None else received
    known = {
        "order": order.id,
        "receipt_ordered_at": time_words(order.created_at),
        "receipt_credits": str(order.credits_granted),
        "receipt_added_at": time_words(linked.granted_at or order.updated_at),
        # What an operator gave may not have been paid at all.
        "receipt_paid": f"{plain(paid)} {coin}" if paid and not order.given else None,
        "receipt_to": (payment.integrated_address or payment.address) if payment else None,
    }
    return Receipt([(text(key), value) for key, value in known.items() if value is not None])


def _back(url: str | None) -> Back | None:
    return None if url is None else Back(url, text("back", host=urlsplit(url).hostname))
