"""Cancelling an order that nobody paid: by its buyer, or by an operator.

The row is locked, so that a cancel and a report come one after the other. Work that is under way
keeps its lease: what AEON.to answers after the cancel is kept, and late money is still seen.
"""

from datetime import datetime
from typing import Final

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.domain.actors import Actor
from app.domain.errors import BuyerOnly, InvalidOrderId, OrderNotCancellable
from app.domain.security import ORDER_ID_PATTERN
from app.domain.states import MOVES, Move, OrderStatus
from app.models import Order, Payment
from app.services import audit_log
from app.services.order_moves import move, next_look_of, remember, schedule
from app.services.orders import visible_to

CANCELLED_BY_BUYER: Final = "cancelled by its buyer"


async def cancel_own(
    session: AsyncSession, order_id: str, *, account_id: str, actor: Actor, now: datetime
) -> bool:
    """Cancel an order for its buyer; say whether it moved: a second time it does not.

    Raises InvalidOrderId for an order that the account may not see, BuyerOnly for one that it sees
    and did not buy, and OrderNotCancellable.
    """
    if not ORDER_ID_PATTERN.fullmatch(order_id):  # a path may hold what PostgreSQL refuses
        raise InvalidOrderId
    async with session.begin():
        order = await session.scalar(
            select(Order)
            .where(Order.id == order_id, visible_to(account_id))
            .with_for_update(of=Order)
        )
        if order is None:
            raise InvalidOrderId
        if order.buyer_id != account_id:
            raise BuyerOnly
        return await _cancel(session, order, reason=CANCELLED_BY_BUYER, actor=actor, now=now)


async def cancel_any(
    session: AsyncSession, order_id: str, *, reason: str, actor: Actor, now: datetime
) -> OrderStatus:
    """Cancel an order for an operator; return its status.

    Raises InvalidOrderId and OrderNotCancellable.
    """
    async with session.begin():
        order = await session.scalar(select(Order).where(Order.id == order_id).with_for_update())
        if order is None:
            raise InvalidOrderId
        await _cancel(session, order, reason=reason, actor=actor, now=now)
        return OrderStatus.CANCELLED


async def _cancel(
    session: AsyncSession, order: Order, *, reason: str, actor: Actor, now: datetime
) -> bool:
    status = OrderStatus(order.status)
    if status is OrderStatus.CANCELLED:
        return False
    if MOVES[status, OrderStatus.CANCELLED] is not Move.CANCEL:
        raise OrderNotCancellable(status)
    await audit_log.record(session, actor=actor, action="order.cancel", subject=order.id, at=now)
    await move(
        session,
        order,
        OrderStatus.CANCELLED,
        grant=None,
        actor=actor,
        reason=reason,
        evidence={"cancelled_by": actor.name},
        now=now,
    )
    remember(order, None)
    # What AEON.to never accepted cannot be paid, and needs no look.
    accepted = await session.scalar(select(Payment.order_id).where(Payment.order_id == order.id))
    schedule(order, next_look_of(order, now) if accepted is not None else None)
    return True
