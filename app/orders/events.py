"""`order_events`: every move of an order, every report that was refused, every alarm."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import func, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from app.orders.models import Order, OrderEvent
from app.orders.models.order_events import OrderEventKind
from app.orders.rules.placing import FirstMove

# For so long after it rang does an alarm show in the metrics of every process.
_ALARM_SHOWN_FOR: Final = timedelta(minutes=15)


@dataclass(frozen=True)
class EventRecord:
    """An event as the table has it; `to_status` is what was reported where nothing moved."""

    order_id: str
    kind: OrderEventKind
    from_status: str | None
    to_status: str
    at: datetime
    reason: str
    evidence: dict[str, Any] | None


@dataclass(frozen=True)
class EventView:
    """One event of an order's history."""

    kind: str
    from_status: str | None
    to_status: str
    at: datetime
    reason: str
    evidence: dict[str, Any] | None


def moved(order_id: str, move: FirstMove, now: datetime) -> EventRecord:
    """Return the event of a move of an order that is being placed."""
    from_status, to_status, reason = move
    return EventRecord(order_id, OrderEventKind.MOVED, from_status, to_status, now, reason, None)


async def write_moves(
    session: AsyncSession, order_id: str, moves: Sequence[FirstMove], now: datetime
) -> None:
    """Write the moves of an order that is being placed, in the caller's transaction."""
    records = [vars(moved(order_id, move, now)) for move in moves]
    await session.execute(insert(OrderEvent), records)


async def write(session: AsyncSession, event: EventRecord) -> bool:
    """Write an event in the caller's transaction; say whether it was new.

    A refused report or an alarm is written once between two moves.
    """
    if event.kind != OrderEventKind.MOVED and await _is_written(session, event):
        return False
    await session.execute(insert(OrderEvent).values(vars(event)))
    return True


async def _is_written(session: AsyncSession, event: EventRecord) -> bool:
    last_move = (
        select(func.coalesce(func.max(OrderEvent.id), 0))
        .where(OrderEvent.order_id == event.order_id, OrderEvent.kind == OrderEventKind.MOVED)
        .scalar_subquery()
    )
    written = await session.scalar(
        select(OrderEvent.id)
        .where(
            OrderEvent.order_id == event.order_id,
            OrderEvent.id > last_move,
            OrderEvent.kind == event.kind,
            OrderEvent.to_status == event.to_status,
            OrderEvent.reason == event.reason,
        )
        .limit(1)
    )
    return written is not None


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
