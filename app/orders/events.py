"""`order_events`: every move of an order, every report that was refused, every alarm."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import func, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from app.orders.models import Order, OrderEvent
from app.orders.models.order_events import OrderEventKind

# For so long after it rang does an alarm show in the metrics of every process.
_ALARM_SHOWN_FOR: Final = timedelta(minutes=15)


@dataclass(frozen=True)
class EventView:
    """One event of an order's history."""

    kind: str
    from_status: str | None
    to_status: str
    at: datetime
    reason: str
    evidence: dict[str, Any] | None


async def moved(
    session: AsyncSession,
    order_id: str,
    *,
    from_status: str | None,
    to_status: str,
    at: datetime,
    reason: str,
    evidence: dict[str, Any] | None = None,
) -> None:
    """Write that an order moved, in the caller's transaction."""
    await session.execute(
        insert(OrderEvent).values(
            order_id=order_id,
            kind=OrderEventKind.MOVED,
            from_status=from_status,
            to_status=to_status,
            at=at,
            reason=reason,
            evidence=evidence,
        )
    )


async def noted(
    session: AsyncSession,
    order_id: str,
    *,
    kind: OrderEventKind,
    status: str,
    reported: str,
    at: datetime,
    reason: str,
    evidence: dict[str, Any] | None,
) -> bool:
    """Write a refused report or an alarm, once between two moves; say whether it was new."""
    last_move = (
        select(func.coalesce(func.max(OrderEvent.id), 0))
        .where(OrderEvent.order_id == order_id, OrderEvent.kind == OrderEventKind.MOVED)
        .scalar_subquery()
    )
    written = await session.scalar(
        select(OrderEvent.id)
        .where(
            OrderEvent.order_id == order_id,
            OrderEvent.id > last_move,
            OrderEvent.kind == kind,
            OrderEvent.to_status == reported,
            OrderEvent.reason == reason,
        )
        .limit(1)
    )
    if written is not None:
        return False
    await session.execute(
        insert(OrderEvent).values(
            order_id=order_id,
            kind=kind,
            from_status=status,
            to_status=reported,
            at=at,
            reason=reason,
            evidence=evidence,
        )
    )
    return True


async def acknowledged(
    session: AsyncSession, order_id: str, *, at: datetime, reason: str, evidence: dict[str, Any]
) -> None:
    """Write why a finding of the audit about an order may stay, in the caller's transaction."""
    status = select(Order.status).where(Order.id == order_id).scalar_subquery()
    await session.execute(
        insert(OrderEvent).values(
            order_id=order_id,
            kind=OrderEventKind.REFUSED,
            from_status=status,
            to_status=status,
            at=at,
            reason=reason,
            evidence=evidence,
        )
    )


async def alarmed(connection: AsyncConnection, now: datetime) -> dict[str, int]:
    """Count the orders that an alarm rang for within the last 15 minutes, by its kind."""
    rows = await connection.execute(
        select(OrderEvent.reason, func.count(OrderEvent.order_id.distinct()).label("orders"))
        .where(OrderEvent.kind == OrderEventKind.ALARM, OrderEvent.at > now - _ALARM_SHOWN_FOR)
        .group_by(OrderEvent.reason)
    )
    return {row.reason: row.orders for row in rows}


async def history(connection: AsyncConnection, order_id: str) -> Sequence[EventView]:
    """Return the events of an order, oldest first."""
    rows = await connection.execute(
        select(
            OrderEvent.kind,
            OrderEvent.from_status,
            OrderEvent.to_status,
            OrderEvent.at,
            OrderEvent.reason,
            OrderEvent.evidence,
        )
        .where(OrderEvent.order_id == order_id)
        .order_by(OrderEvent.id)
    )
    return [EventView(*row) for row in rows]
