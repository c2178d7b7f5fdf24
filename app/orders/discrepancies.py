"""Orders where money and status differ: what an operator should look at, and why."""

from typing import Final

from sqlalchemy import ColumnElement, and_, case, or_, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from app.ledger.models import AuditLine
from app.orders.models import BitcoinOutput, Order, Payment, SettledOutput
from app.orders.queries import VIEW_COLUMNS, OrderView, view_of
from app.orders.rules.bitcoin_payments import DUST_SATOSHI
from app.orders.rules.rails import Rail
from app.orders.rules.states import OrderStatus
from app.runtime.money import SATOSHI

_OVER: Final = (
    OrderStatus.TIMED_OUT,
    OrderStatus.NOT_FOUND,
    OrderStatus.FAILED,
    OrderStatus.CANCELLED,
)
_GRANTED: Final = Order.granted_at.is_not(None)
_IN_BITCOIN: Final = Order.rail == Rail.BITCOIN
# What was granted is worth so much; an operator's grant is worth what was ordered.
_CREDITED_BTC: Final = case(
    (Order.grant_price_btc.is_not(None), Order.credits_granted * Order.grant_price_btc),
    else_=Order.btc_amount,
)
_SETTLED: Final = (
    select(SettledOutput.order_id)
    .where(SettledOutput.order_id == Order.id)
    .correlate(Order)
    .exists()
)
_PRIOR_MONEY: Final = (
    select(BitcoinOutput.order_id)
    .where(BitcoinOutput.order_id == Order.id, BitcoinOutput.before_order)
    .correlate(Order)
    .exists()
)


def _doubtful(what: str) -> ColumnElement[bool]:
    """Find what a migration reported of the grants of an earlier version."""
    return (
        select(AuditLine.id)
        .where(AuditLine.subject == Order.id, AuditLine.action == f"order.doubtful_{what}")
        .correlate(Order)
        .exists()
    )


_REASONS: Final[dict[str, ColumnElement[bool]]] = {
    "money came, and no credits were granted": and_(
        Order.status.in_(_OVER),
        ~_GRANTED,
        or_(
            Payment.received_btc > 0,
            Payment.remaining_amount_incoming < Payment.incoming_amount_total,
        ),
    ),
    "credits were granted, and their payment is gone": and_(
        Order.grant_price_btc.is_not(None), Payment.received_btc < _CREDITED_BTC
    ),
    "more was paid than credits were granted for": and_(
        _IN_BITCOIN, _GRANTED, Payment.received_btc - _CREDITED_BTC >= DUST_SATOSHI * SATOSHI
    ),
    "an earlier version granted credits, maybe for money that was there before": _doubtful(
        "prior_money"
    ),
    "an earlier version counted one output for two orders": _doubtful("both_rails"),
    "an earlier version gave its address to two orders, and one was granted": _doubtful(
        "reused_address"
    ),
    "money was at its address before it was ordered, and pays nothing": _PRIOR_MONEY,
    "AEON.to says that it paid, and the chain does not": and_(
        Payment.settlement_claimed_at.is_not(None), ~_SETTLED, Order.status == OrderStatus.PAID
    ),
}


async def needing_attention(
    connection: AsyncConnection, *, limit: int
) -> list[tuple[OrderView, str]]:
    """Return orders where money and status differ, newest first, each with the reason."""
    reason = case(*((condition, words) for words, condition in _REASONS.items()))
    rows = await connection.execute(
        select(reason.label("reason"), text(VIEW_COLUMNS))
        .select_from(Order)
        .outerjoin(Payment, Payment.order_id == Order.id)
        .outerjoin(SettledOutput, SettledOutput.order_id == Order.id)
        .where(reason.is_not(None))
        .order_by(Order.created_at.desc(), Order.id.desc())
        .limit(limit)
    )
    return [(view_of(row), row["reason"]) for row in rows.mappings()]
