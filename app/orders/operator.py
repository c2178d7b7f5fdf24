"""What an operator decides about an order that AEON.to no longer answers for."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.ledger import audit_log
from app.ledger.actors import Actor
from app.orders.apply_reports import OrderFailureReason
from app.orders.errors import InvalidOrderId, OrderNotSettled
from app.orders.models import Order, Payment
from app.orders.rules.rails import Rail
from app.orders.rules.states import MOVES, Move, OrderStatus
from app.orders.transitions import Grant, move, next_look_of, remember, reschedule


async def resolve(
    session: AsyncSession, order_id: str, *, grant: bool, reason: str, actor: Actor, now: datetime
) -> OrderStatus:
    """Let an operator end an order that AEON.to no longer answers for; return its new status.

    `grant` moves it into its granting state, with its credits, or to BTC_SENT when it has them
    already; otherwise it is closed. One in bitcoin ends with its grant. Raises InvalidOrderId, and
    OrderNotSettled when its state leaves no such move.
    """
    async with session.begin():
        order = await session.scalar(select(Order).where(Order.id == order_id).with_for_update())
        if order is None:
            raise InvalidOrderId
        granted = order.granted_at is not None
        to_status = OrderStatus.FAILED
        if grant:
            to_status = OrderStatus.BTC_SENT if granted else OrderStatus(order.granting_status)
        status = OrderStatus(order.status)
        known = await session.scalar(select(Payment.order_id).where(Payment.order_id == order_id))
        movable = MOVES[status, to_status] not in (Move.ILLEGAL, Move.STAY)
        in_bitcoin = order.rail == Rail.BITCOIN
        ended = granted and (not grant or in_bitcoin)
        # An earlier version gave its address to another order, and it is never looked at for this one.
        given_up = in_bitcoin and order.next_look_at is None
        if not movable or ended or (grant and (known is None or given_up)):
            raise OrderNotSettled(status)
        action = "order.settle_grant" if grant else "order.settle_close"
        await audit_log.record(session, actor=actor, action=action, subject=order_id, at=now)
        if not grant:
            order.failure_reason = OrderFailureReason.CLOSED
        await move(
            session,
            order,
            to_status,
            grant=Grant(order.number_of_credits) if grant and not granted else None,
            actor=actor,
            reason=reason,
            evidence={"settled_by": actor.name},
            now=now,
        )
        remember(order, None)
        reschedule(order, None if given_up else next_look_of(order, now))
        return to_status
