"""Carrying out what was decided about an order, whichever rail it is paid on.

The caller's transaction holds the row of the order under its lease.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.ledger.actors import WORKER, Actor
from app.orders import events
from app.orders.models import Order, Payment
from app.orders.models.order_events import OrderEventKind
from app.orders.rules.rails import Rail
from app.orders.rules.reports import Decision, OrderFacts, Sighting
from app.orders.rules.states import OrderStatus
from app.orders.transitions import (
    Grant,
    keep_failures,
    move,
    next_look_of,
    remember,
    reschedule,
)


@dataclass(frozen=True)
class ApplyResult:
    """What became of an answer, for logs and metrics.

    `alarm` is one that did not ring before; `lease_lost`: nothing was done with the answer.
    `unseen_for` is the time from the last look with the old status to the first with the new.
    """

    moved_to: OrderStatus | None = None
    granted: int = 0
    refused: str | None = None
    alarm: str | None = None
    lease_lost: bool = False
    unseen_for: timedelta | None = None


@dataclass(frozen=True, kw_only=True)
class Observation:
    """What a look brought: the state that it reports, and the evidence as JSON.

    `expires_at` is when the payment times out, if the look said so; `cause` names the look.
    """

    reported: str
    evidence: dict[str, Any]
    expires_at: datetime | None
    cause: str


async def carry_out(
    session: AsyncSession,
    order: Order,
    decision: Decision,
    seen: Observation,
    *,
    grant: Grant,
    unseen_for: timedelta | None,
    now: datetime,
) -> ApplyResult:
    """Move, grant, note, ring; then say when to look next. `grant` is what is due if any is."""
    remember(order, decision.sighting)
    keep_failures(order, None)
    note = partial(
        events.noted,
        session,
        order.id,
        status=order.status,
        reported=seen.reported,
        at=now,
        evidence=seen.evidence,
    )
    granted = 0
    if decision.move_to is not None:
        granted = await move(
            session,
            order,
            decision.move_to,
            grant=grant if decision.grant else None,
            actor=Actor(WORKER, seen.cause),
            reason="reported",
            evidence=seen.evidence,
            now=now,
        )
    if decision.refused is not None:
        await note(kind=OrderEventKind.REFUSED, reason=decision.refused)
    alarm = decision.alarm
    if alarm is not None and not await note(kind=OrderEventKind.ALARM, reason=alarm):
        alarm = None  # it rang before
    reschedule(order, next_look_of(order, now, seen.expires_at, unsettled=decision.unsettled))
    return ApplyResult(
        decision.move_to,
        granted,
        decision.refused,
        alarm,
        unseen_for=unseen_for if decision.move_to else None,
    )


def facts_of(order: Order, *, uuid: str | None, claimed_at: datetime | None = None) -> OrderFacts:
    """Return what a report is held against."""
    sighting = None
    if order.sighting_status is not None and order.sighting_since is not None:
        sighting = Sighting(
            OrderStatus(order.sighting_status), order.sighting_count, order.sighting_since
        )
    granted = order.granted_at is not None
    rail = Rail(order.rail)
    return OrderFacts(
        rail=rail,
        status=OrderStatus(order.status),
        granting_status=OrderStatus(order.granting_status),
        granted=granted,
        uuid=uuid,
        btc_amount=order.btc_amount,
        btc_dest_address=order.btc_dest_address,
        sighting=sighting,
        claimed_at=claimed_at,
        granted_by_hand=granted and rail is Rail.BITCOIN and order.grant_price_btc is None,
    )


async def unseen_for(session: AsyncSession, order_id: str, now: datetime) -> timedelta | None:
    """Return how long ago the payment was last looked at; None if it was opened just now."""
    last_seen_at = await session.scalar(select(Payment.seen_at).where(Payment.order_id == order_id))
    if last_seen_at is None or last_seen_at == now:
        return None
    return now - last_seen_at
