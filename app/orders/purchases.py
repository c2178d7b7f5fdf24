"""What was paid for credits that were bought."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from app.orders.queries import GRANT_PRICE

_PURCHASES: Final = text(
    f"""SELECT orders.id, {GRANT_PRICE} AS credit_price_btc, orders.payment_coin,
        orders.client_reference
    FROM orders WHERE orders.id = ANY(:order_ids)"""  # noqa: S608  all of it is ours
)


@dataclass(frozen=True)
class PurchaseFacts:
    """What a credit cost when it was granted, and in which coin; None: an operator gave it."""

    credit_price_btc: Decimal | None
    payment_coin: str
    client_reference: str | None


async def of_orders(
    connection: AsyncConnection, order_ids: Sequence[str]
) -> dict[str, PurchaseFacts]:
    """Return what was paid for the credits of orders, by their ids."""
    if not order_ids:
        return {}
    rows = await connection.execute(_PURCHASES, {"order_ids": list(order_ids)})
    return {
        row.id: PurchaseFacts(row.credit_price_btc, row.payment_coin, row.client_reference)
        for row in rows
    }
