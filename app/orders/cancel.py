"""Cancelling an order that nobody paid: by its buyer, or by an operator.

The row is locked, so that a cancel and a report come one after the other. Work that is under way
keeps its lease: what AEON.to answers after the cancel is kept, and late money is still seen. If its
process dies before AEON.to has answered, the lease stays in the row, and holds up nothing.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.errors import BuyerOnly
from app.ledger import audit_log
from app.ledger.actors import Actor
from app.orders.errors import InvalidOrderId, OrderNotCancellable
from app.orders.models import Order, Payment
from app.orders.queries import OrderView
from app.orders.rows import OrderRows, order_facts
from app.orders.rules.bitcoin_payments import Valuation
from app.orders.rules.own_moves import cancellation
from app.orders.rules.states import OrderStatus
from app.orders.service import read_any, visible_to
from app.orders.transitions import SqlJournal, save
from app.runtime.security import ORDER_ID_PATTERN

CANCELLED_BY_BUYER: Final = "cancelled by its buyer"


@dataclass(frozen=True)
class Cancelled:
    """A cancelled order, and whether it moved just now: a second time it does not."""

    order: OrderView
    moved: bool


async def cancel_own(
    session: AsyncSession,
    order_id: str,
    *,
    account_id: str,
    actor: Actor,
    valuation: Valuation,
    now: datetime,
) -> Cancelled:
    """Cancel an order for its buyer, in the caller's transaction.

    Raises InvalidOrderId for an order that the account may not see, BuyerOnly for one that it sees
    and did not buy, and OrderNotCancellable.
    """
    if not ORDER_ID_PATTERN.fullmatch(order_id):  # a path may hold what PostgreSQL refuses
        raise InvalidOrderId
    order = await session.scalar(
        select(Order)
        .where(
            Order.id == order_id,
            text(visible_to(":account_id")).bindparams(account_id=account_id),
        )
        .with_for_update(of=Order)
    )
    if order is None:
        raise InvalidOrderId
    if order.buyer_id != account_id:
        raise BuyerOnly
    moved = await _cancel(
        session, order, reason=CANCELLED_BY_BUYER, actor=actor, valuation=valuation, now=now
    )
    return Cancelled(await read_any(await session.connection(), order_id), moved)


async def cancel_any(
    session: AsyncSession,
    order_id: str,
    *,
    reason: str,
    actor: Actor,
    valuation: Valuation,
    now: datetime,
) -> OrderStatus:
    """Cancel an order for an operator; return its status.

    Raises InvalidOrderId and OrderNotCancellable.
    """
    async with session.begin():
        order = await session.scalar(select(Order).where(Order.id == order_id).with_for_update())
        if order is None:
            raise InvalidOrderId
        await _cancel(session, order, reason=reason, actor=actor, valuation=valuation, now=now)
        return OrderStatus.CANCELLED


async def _cancel(
    session: AsyncSession,
    order: Order,
    *,
    reason: str,
    actor: Actor,
    valuation: Valuation,
    now: datetime,
) -> bool:
    status = OrderStatus(order.status)
    if status is OrderStatus.CANCELLED:
        return False
    accepted = await session.scalar(select(Payment.order_id).where(Payment.order_id == order.id))
    change = cancellation(
        order_facts(order),
        reason=reason,
        cancelled_by=actor.name,
        accepted=accepted is not None,
        now=now,
    )
    if change is None:
        raise OrderNotCancellable(status)
    await audit_log.record(session, actor=actor, action="order.cancel", subject=order.id, at=now)
    await save(SqlJournal(session, valuation), OrderRows(order), change, actor=actor, now=now)
    return True
