"""Publishing changes of an order to the streams of its accounts: the order, as the API shows it then."""

from datetime import datetime
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.events.append import NewEvent, append
from app.events.types import EventType
from app.orders.models import Order
from app.orders.queries import VIEW_COLUMNS, WITH_PAYMENT, view_of
from app.orders.responses import order_response
from app.orders.rows import OrderRows
from app.orders.rules.bitcoin_payments import Valuation

_ORDER: Final = text(
    f"SELECT {VIEW_COLUMNS} FROM orders {WITH_PAYMENT} WHERE orders.id = :order_id"  # noqa: S608  all of it is ours
)
# What the API shows of a payment, or computes from.
_SHOWN_OF_PAYMENT: Final = (
    "state", "btc_dest_address", "expires_at", "receiving_address", "receiving_integrated_address",
    "required_payment_id_long", "required_payment_id_short", "incoming_amount_total",
    "remaining_amount_incoming", "incoming_num_confirmations_remaining", "btc_transaction_id",
    "btc_num_confirmations", "settlement_claimed_at", "late_until", "received_btc",
    "confirmations_seen",
)  # fmt: skip


def placed_event(order: dict[str, Any], body: bytes) -> NewEvent:
    """Return the event of an order that is being placed; `body` is what the API answers."""
    return NewEvent(
        EventType.ORDER_UPDATED,
        order["beneficiary_id"],
        order["created_at"],
        body.decode(),
        other_id=order["buyer_id"],
    )


def shown_of(rows: OrderRows) -> tuple[object, ...]:
    """Return what the API shows of an order beside its status, to be compared with later."""
    payment, looked_at_no_more = rows.payment, rows.order.next_look_at is None
    if payment is None:
        return (looked_at_no_more,)
    facts = [getattr(payment, name) for name in _SHOWN_OF_PAYMENT]
    wanted = payment.confirmations_needed or payment.confirmations_wanted
    outputs = sorted(
        (output_id, output.value_btc, output.confirmations, output.gone_at, output.before_order)
        for output_id, output in rows.outputs.items()
    )
    return (looked_at_no_more, *facts, wanted, *outputs)


async def publish_change(
    session: AsyncSession,
    order: Order,
    *,
    previous_status: str,
    credited: bool,
    valuation: Valuation,
    now: datetime,
) -> None:
    """Publish an order that changed, and its credits if it got them just now.

    In the caller's transaction, when the order and its payment are written.
    """
    row = (await session.execute(_ORDER, {"order_id": order.id})).mappings().one()
    data = order_response(view_of(row), valuation, now).model_dump_json()
    types = [EventType.ORDER_UPDATED, *([EventType.ORDER_CREDITED] if credited else [])]
    await append(
        session,
        [
            NewEvent(
                event_type,
                order.beneficiary_id,
                now,
                data,
                previous_status=previous_status,
                other_id=order.buyer_id,
            )
            for event_type in types
        ],
    )
