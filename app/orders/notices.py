"""One sentence or two about an order, for its buyer: what the fields of the answer do not say alone."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Final

from app.orders.payment_responses import asked_of, vanished
from app.orders.queries import OrderView
from app.orders.rules.rails import Rail
from app.orders.rules.states import OrderStatus
from app.orders.schemas import LatePayment
from app.runtime.money import plain

_DO_NOT_PAY: Final = "Do not pay it any more: place a new order."
_OVER: Final = {
    OrderStatus.TIMED_OUT: "This order timed out.",
    OrderStatus.CANCELLED: "This order was cancelled.",
    OrderStatus.FAILED: "This order failed.",
    OrderStatus.NOT_FOUND: "AEON.to no longer knows this order.",
}
_GONE: Final = (
    "The payment was seen and is no longer on the chain: it was replaced, double-spent or"
    " reorganised away."
)


def notice_of(order: OrderView, late: LatePayment | None, now: datetime) -> str | None:
    """Return what a buyer must know of an order, in words; None: the fields say it all."""
    if vanished(order, now):
        return _vanished(order.status)
    if order.credits_granted is not None:
        return _granted(order, order.credits_granted)
    if not asked_of(order, now).over:
        return None
    over = _OVER.get(order.status, "The time to pay this order is over.")
    if late is None:
        return f"{over} Nobody was told where to pay it."
    return f"{over} {_DO_NOT_PAY} {_late(order, late)}"


def _vanished(status: OrderStatus) -> str:
    match status:
        case OrderStatus.PAID:
            return f"{_GONE} The credits were granted before."
        case OrderStatus.UNDERPAID:
            return f"{_GONE} The order waits for all of its price."
        case _:
            return (
                f"{_GONE} If it does not come back within ten minutes, the order waits for another"
                " one. Do not pay a second time before."
            )


def _granted(order: OrderView, granted: int) -> str | None:
    price = order.grant_price_btc
    if granted == order.number_of_credits or price is None:
        return None
    bought = f"bought {granted} credits, at {plain(price)} BTC each"
    ordered = f"{order.number_of_credits} were ordered at {plain(order.price_btc)} BTC each"
    if price == order.price_btc:
        return f"The payment {bought}; {ordered}."
    late_until = order.payment.late_until if order.payment else None
    when = f"after {_time(late_until)}" if late_until else "late"
    return f"The payment was complete only {when}, and {bought}; {ordered}."


def _late(order: OrderView, late: LatePayment) -> str:
    if late.credits == 0:
        return "A payment that still comes buys nothing."
    if order.rail is Rail.AEONTO:
        return (
            "AEON.to decides whether it honours a payment that still comes; only if it does, the"
            f" order gets its {order.number_of_credits} credits."
        )
    received = (order.payment.received_btc if order.payment else None) or Decimal(0)
    amount = plain(order.btc_amount)
    complete = f"Should {amount} BTC in all" if received else f"Should a payment of {amount} BTC"
    price = plain(late.credit_price_btc or Decimal(0))
    if late.until is not None:
        return (
            f"{complete} still come by {_time(late.until)}, it buys {late.credits} credits at"
            f" {price} BTC each, the price of the order. What comes later buys at the price of its day."
        )
    return (
        f"{complete} still come, it buys what it is worth then: today {late.credits} of"
        f" {order.number_of_credits} credits, at {price} BTC each."
    )


def _time(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
