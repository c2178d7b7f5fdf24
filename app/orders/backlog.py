"""What waits, in numbers: open orders by state, and how old the oldest work is."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from app.assessments.models import Assessment
from app.orders.models import Order
from app.runtime import leases


@dataclass(frozen=True)
class Backlog:
    """Orders that are still looked at, by rail and state; ages are seconds, 0 when nothing waits."""

    orders: dict[tuple[str, str], int]
    oldest_due_order_seconds: float
    oldest_pending_assessment_seconds: float


async def backlog(connection: AsyncConnection, now: datetime) -> Backlog:
    """Count what waits; both statements read partial indexes, which hold open work alone."""
    orders = await connection.execute(
        select(
            Order.rail,
            Order.status,
            func.count(),
            func.min(Order.next_look_at).filter(
                Order.next_look_at <= now, leases.is_free(Order.lease_until)
            ),
        )
        .where(Order.next_look_at.is_not(None))
        .group_by(Order.rail, Order.status)
    )
    by_state = {(rail, status): (count, oldest) for rail, status, count, oldest in orders}
    pending_since = await connection.scalar(
        select(func.min(Assessment.created_at)).where(Assessment.next_try_at.is_not(None))
    )
    due_since = min((oldest for _, oldest in by_state.values() if oldest), default=None)
    return Backlog(
        orders={which: count for which, (count, _) in by_state.items()},
        oldest_due_order_seconds=_seconds_since(due_since, now),
        oldest_pending_assessment_seconds=_seconds_since(pending_since, now),
    )


def _seconds_since(time: datetime | None, now: datetime) -> float:
    return (now - time).total_seconds() if time else 0.0
