"""How an order moves, with its event and its grant; and when it is looked at next.

The one place where credits are granted: every caller holds the row of the order.
"""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from app.ledger import service
from app.ledger.actors import Actor
from app.ledger.rules import EntryKind
from app.orders import events
from app.orders.models import Order
from app.orders.rules.failures import Failures
from app.orders.rules.poll_schedule import NextLook, next_look
from app.orders.rules.rails import Rail
from app.orders.rules.reports import Sighting
from app.orders.rules.states import MOVES, Move, OrderStatus


@dataclass(frozen=True)
class Grant:
    """Credits that are due with a move; `price_btc`: what one cost, where money was counted here."""

    credits: int
    price_btc: Decimal | None = None


async def move(
    session: AsyncSession,
    order: Order,
    to_status: OrderStatus,
    *,
    grant: Grant | None,
    actor: Actor,
    reason: str,
    evidence: dict[str, Any] | None,
    now: datetime,
) -> int:
    """Move an order, with its event and, if due, its grant; return the credits granted."""
    from_status = OrderStatus(order.status)
    if MOVES[from_status, to_status] in (Move.ILLEGAL, Move.STAY):
        raise ValueError(f"order {order.id} may not move from {from_status} to {to_status}")
    order.status = to_status
    order.status_since = now
    order.updated_at = now
    if grant is not None:
        order.credits_granted = grant.credits
        order.grant_price_btc = grant.price_btc
        order.granted_at = max(now, order.created_at)  # clocks of replicas differ
    await session.flush()
    await events.moved(
        session,
        order.id,
        from_status=from_status,
        to_status=to_status,
        at=now,
        reason=reason,
        evidence=evidence,
    )
    if grant is None:
        return 0
    await service.post(
        session,
        account_id=order.beneficiary_id,
        kind=EntryKind.PURCHASE,
        amount=grant.credits,
        order_id=order.id,
        actor=actor,
        at=now,
    )
    return grant.credits


def remember(order: Order, sighting: Sighting | None) -> None:
    """Keep what must be seen again before it is believed; None: nothing."""
    order.sighting_status = sighting.status if sighting else None
    order.sighting_count = sighting.count if sighting else 0
    order.sighting_since = sighting.since if sighting else None


def failures_of(order: Order) -> Failures | None:
    """Return the requests about an order that failed in a row; None: the last was answered."""
    return Failures(order.failed_count, order.failed_since) if order.failed_since else None


def keep_failures(order: Order, failures: Failures | None) -> None:
    """Keep the requests about an order that failed in a row; None: it was answered."""
    order.failed_count = failures.count if failures else 0
    order.failed_since = failures.since if failures else None


def next_look_of(
    order: Order, now: datetime, expires_at: datetime | None = None, *, unsettled: bool = False
) -> NextLook | None:
    """Return when to look at an order next; None: never."""
    return next_look(
        OrderStatus(order.status),
        rail=Rail(order.rail),
        since=order.status_since,
        expires_at=expires_at,
        unsettled=unsettled,
        now=now,
    )


def schedule(order: Order, look: NextLook | None) -> None:
    """Say when an order is due; whoever holds its lease keeps it."""
    order.next_look_at = look.at if look else None
    if look:
        order.look_urgency = look.urgency


def reschedule(order: Order, look: NextLook | None) -> None:
    """Say when an order is due, and give its lease back."""
    schedule(order, look)
    order.lease_token = None
    order.lease_until = None
