"""Applying what AEON.to says: the one place where orders move and credits are granted."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, and_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from app.domain.accounts import EntryKind
from app.domain.actors import WORKER, Actor
from app.domain.errors import InvalidOrderId, OrderNotSettled
from app.domain.reports import (
    OrderFacts,
    Report,
    Sighting,
    creation_fault,
    decide,
    payment_details,
)
from app.domain.schedule import NextLook, creation_again, look_after_failure, next_look
from app.domain.states import MOVES, Move, OrderStatus
from app.models import Order, Payment
from app.models.order_events import OrderEventKind
from app.services import audit_log, leases, ledger, order_events
from app.services.order_leases import CreationJob, LookJob, locked_under_lease


class FailureReason(StrEnum):
    """Why an order failed for good, in words that its buyer may read."""

    REFUSED = "AEON.to refused the amount of this order"
    DEADLINE = "AEON.to did not accept this order in time"
    CLOSED = "closed by an operator"


@dataclass(frozen=True)
class Applied:
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


async def apply_created(
    session: AsyncSession, job: CreationJob, report: Report, now: datetime
) -> Applied:
    """Keep the uuid that AEON.to gave an order, and what else it already said.

    An answer about another amount or address, or in a state that no new order can have, is
    refused, and the order is created again.
    """
    async with session.begin():
        order = await locked_under_lease(session, job.order_id, job.lease_token)
        if order is None:
            return Applied(lease_lost=True)
        fault = await _creation_fault(session, order, report)
        if fault is not None:
            await _note(session, order, OrderEventKind.REFUSED, fault, report=report, now=now)
            _reschedule(order, creation_again(now))
            return Applied(refused=fault)
        session.add(
            Payment(
                order_id=order.id,
                uuid=report.uuid,
                btc_amount=order.btc_amount,
                btc_dest_address=order.btc_dest_address,
                state=OrderStatus.TO_BE_CREATED,
                seen_at=now,
            )
        )
        await session.flush()
        return await _apply(
            session, order, report.uuid or "", report, now=now, cause=job.lease_token
        )


async def _creation_fault(session: AsyncSession, order: Order, report: Report) -> str | None:
    taken = await session.scalar(select(Payment.order_id).where(Payment.uuid == report.uuid))
    return creation_fault(
        report,
        btc_amount=order.btc_amount,
        btc_dest_address=order.btc_dest_address,
        uuid_is_taken=taken is not None,
    )


async def apply_report(
    session: AsyncSession, job: LookJob, report: Report, now: datetime
) -> Applied:
    """Do what a report means: move, grant, refuse, remember; then say when to look next."""
    async with session.begin():
        order = await locked_under_lease(session, job.order_id, job.lease_token)
        if order is None:
            return Applied(lease_lost=True)
        return await _apply(session, order, job.uuid, report, now=now, cause=job.lease_token)


async def _apply(
    session: AsyncSession, order: Order, uuid: str, report: Report, *, now: datetime, cause: str
) -> Applied:
    decision = decide(_facts(order, uuid), report, now)
    unseen_for = await _unseen_for(session, order.id, now) if decision.move_to else None
    _remember(order, decision.sighting)
    if decision.believed:
        await _keep_payment(session, order.id, report, now)
    if decision.refused is not None:
        await _note(
            session, order, OrderEventKind.REFUSED, decision.refused, report=report, now=now
        )
    alarm = decision.alarm
    if alarm is not None and not await _note(
        session, order, OrderEventKind.ALARM, alarm, report=report, now=now
    ):
        alarm = None  # it rang before
    granted = 0
    if decision.move_to is not None:
        granted = await _move(
            session,
            order,
            decision.move_to,
            grant=decision.grant,
            actor=Actor(WORKER, cause),
            reason="reported",
            evidence=order_events.evidence_of(report),
            now=now,
        )
    expires_at = report.expires_at if decision.believed else None
    _reschedule(order, _next_look(order, now, expires_at))
    return Applied(decision.move_to, granted, decision.refused, alarm, unseen_for=unseen_for)


async def _unseen_for(session: AsyncSession, order_id: str, now: datetime) -> timedelta | None:
    last_seen_at = await session.scalar(select(Payment.seen_at).where(Payment.order_id == order_id))
    if last_seen_at is None or last_seen_at == now:  # it was created just now
        return None
    return now - last_seen_at


def _facts(order: Order, uuid: str) -> OrderFacts:
    sighting = None
    if order.sighting_status is not None and order.sighting_since is not None:
        sighting = Sighting(
            OrderStatus(order.sighting_status), order.sighting_count, order.sighting_since
        )
    return OrderFacts(
        status=OrderStatus(order.status),
        granting_status=OrderStatus(order.granting_status),
        granted=order.granted_at is not None,
        uuid=uuid,
        btc_amount=order.btc_amount,
        btc_dest_address=order.btc_dest_address,
        sighting=sighting,
    )


def _remember(order: Order, sighting: Sighting | None) -> None:
    order.sighting_status = sighting.status if sighting else None
    order.sighting_count = sighting.count if sighting else 0
    order.sighting_since = sighting.since if sighting else None


async def _keep_payment(
    session: AsyncSession, order_id: str, report: Report, now: datetime
) -> None:
    """Keep what a believed report says; what it leaves out stays as it was last said."""
    await session.execute(
        update(Payment)
        .where(Payment.order_id == order_id)
        .values(**payment_details(report), seen_at=now)
    )


async def _move(
    session: AsyncSession,
    order: Order,
    to_status: OrderStatus,
    *,
    grant: bool,
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
    if grant:
        order.credits_granted = order.number_of_credits
        order.granted_at = max(now, order.created_at)  # clocks of replicas differ
    await session.flush()
    await order_events.moved(
        session,
        order.id,
        from_status=from_status,
        to_status=to_status,
        at=now,
        reason=reason,
        evidence=evidence,
    )
    if not grant:
        return 0
    await ledger.post(
        session,
        account_id=order.beneficiary_id,
        kind=EntryKind.PURCHASE,
        amount=order.number_of_credits,
        order_id=order.id,
        actor=actor,
        at=now,
    )
    return order.number_of_credits


async def _note(
    session: AsyncSession,
    order: Order,
    kind: OrderEventKind,
    reason: str,
    *,
    report: Report,
    now: datetime,
) -> bool:
    return await order_events.noted(
        session,
        order.id,
        kind=kind,
        status=order.status,
        reported=report.state,
        at=now,
        reason=reason,
        evidence=order_events.evidence_of(report),
    )


def _next_look(order: Order, now: datetime, expires_at: datetime | None = None) -> NextLook | None:
    status = OrderStatus(order.status)
    return next_look(status, since=order.status_since, expires_at=expires_at, now=now)


def _reschedule(order: Order, look: NextLook | None) -> None:
    order.next_look_at = look.at if look else None
    if look:
        order.look_urgency = look.urgency
    order.lease_token = None
    order.lease_until = None


async def postpone(
    session: AsyncSession,
    job: CreationJob | LookJob,
    *,
    pause: timedelta,
    alarm: str | None,
    now: datetime,
) -> Applied:
    """Try again after a pause, with an alarm for the operator if the answer calls for one."""
    async with session.begin():
        order = await locked_under_lease(session, job.order_id, job.lease_token)
        if order is None:
            return Applied(lease_lost=True)
        look = look_after_failure(
            OrderStatus(order.status),
            since=order.status_since,
            pause=pause,
            creating=isinstance(job, CreationJob),
            now=now,
        )
        _reschedule(order, look)
        if alarm is not None and not await order_events.noted(
            session,
            order.id,
            kind=OrderEventKind.ALARM,
            status=order.status,
            reported=order.status,
            at=now,
            reason=alarm,
            evidence=None,
        ):
            alarm = None  # it rang before
        return Applied(alarm=alarm)


async def fail_refused(session: AsyncSession, job: CreationJob, now: datetime) -> Applied:
    """End an order that AEON.to refused for good (errors 003 and 004)."""
    async with session.begin():
        order = await locked_under_lease(session, job.order_id, job.lease_token)
        if order is None:
            return Applied(lease_lost=True)
        await _fail(session, order, FailureReason.REFUSED, Actor(WORKER, job.lease_token), now)
        return Applied(moved_to=OrderStatus.FAILED)


def _overdue(now: datetime) -> ColumnElement[bool]:
    """Find what AEON.to has not accepted by its deadline, and nobody is asking about now."""
    known = select(Payment.order_id).where(Payment.order_id == Order.id).exists()
    return and_(
        Order.status == OrderStatus.TO_BE_CREATED,
        Order.create_by <= now,
        Order.next_look_at <= now,  # the index that finds them; a waiting order is due soon
        leases.is_free(Order.lease_until),
        ~known,
    )


async def overdue(connection: AsyncConnection, now: datetime) -> Sequence[str]:
    """Return some orders that AEON.to did not accept by their deadline."""
    found = await connection.scalars(select(Order.id).where(_overdue(now)).limit(100))
    return found.all()


async def fail_overdue(session: AsyncSession, order_id: str, now: datetime) -> Applied:
    """End an order whose deadline has passed, unless somebody works on it meanwhile."""
    async with session.begin():
        order = await session.scalar(
            select(Order)
            .where(Order.id == order_id, _overdue(now))
            .with_for_update(skip_locked=True)
        )
        if order is None:
            return Applied(lease_lost=True)
        await _fail(session, order, FailureReason.DEADLINE, Actor(WORKER, "deadline"), now)
        return Applied(moved_to=OrderStatus.FAILED)


async def settle(
    session: AsyncSession, order_id: str, *, grant: bool, reason: str, actor: Actor, now: datetime
) -> OrderStatus:
    """Let an operator end an order that AEON.to no longer answers for; return its new status.

    `grant` moves it into its granting state, with its credits, or to BTC_SENT when it has them
    already; otherwise it is closed. Raises InvalidOrderId, and OrderNotSettled when its state
    leaves no such move.
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
        if not movable or (granted and not grant) or (grant and known is None):
            raise OrderNotSettled(status)
        action = "order.settle_grant" if grant else "order.settle_close"
        await audit_log.record(session, actor=actor, action=action, subject=order_id, at=now)
        if not grant:
            order.failure_reason = FailureReason.CLOSED
        await _move(
            session,
            order,
            to_status,
            grant=grant and not granted,
            actor=actor,
            reason=reason,
            evidence={"settled_by": actor.name},
            now=now,
        )
        _remember(order, None)
        _reschedule(order, _next_look(order, now))
        return to_status


async def _fail(
    session: AsyncSession, order: Order, why: FailureReason, actor: Actor, now: datetime
) -> None:
    order.failure_reason = why
    _reschedule(order, None)
    await _move(
        session,
        order,
        OrderStatus.FAILED,
        grant=False,
        actor=actor,
        reason=why,
        evidence=None,
        now=now,
    )
