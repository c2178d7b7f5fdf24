"""What waits, in numbers: open orders by state, and how old the oldest work is."""

from dataclasses import dataclass
from datetime import datetime
from itertools import product

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from app.orders.models import Order
from app.orders.rules.rails import Rail
from app.orders.rules.states import OrderStatus
from app.runtime import leases


@dataclass(frozen=True)
class Backlog:
    """Orders that are still looked at, by every rail and state; the age is in seconds, 0 when none is due."""

    orders: dict[tuple[str, str], int]
    oldest_due_seconds: float


async def backlog(connection: AsyncConnection, now: datetime) -> Backlog:
    """Count what waits, by a partial index that holds open orders alone."""
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
    due_since = min((oldest for _, oldest in by_state.values() if oldest), default=None)
    return Backlog(
        orders={
            (rail, status): by_state.get((rail, status), (0, None))[0]
            for rail, status in product(Rail, OrderStatus)
        },
        oldest_due_seconds=(now - due_since).total_seconds() if due_since else 0.0,
    )
