"""Applying what AEON.to says of an order, and what the chain says of that."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import ColumnElement, and_, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from app.ledger.actors import WORKER, Actor
from app.orders import events, settlements
from app.orders.apply import ApplyResult, Observation, carry_out, facts_of, unseen_for
from app.orders.leases import CreationTask, PollTask, locked_under_lease
from app.orders.models import Order, Payment
from app.orders.models.order_events import OrderEventKind
from app.orders.rules.failures import after_failure
from app.orders.rules.poll_schedule import creation_again, look_after_failure
from app.orders.rules.rails import Rail
from app.orders.rules.reports import (
    Decision,
    OrderFacts,
    creation_fault,
    evaluate_report,
    payment_details,
)
from app.orders.rules.settlement import ALL_TAKEN, Settlement, Verified
from app.orders.rules.states import OrderStatus
from app.orders.transitions import Grant, failures_of, keep_failures, move, reschedule
from app.partners.aeonto.report import Report
from app.runtime import leases


class OrderFailureReason(StrEnum):
    """Why an order failed for good, in words that its buyer may read."""

    REFUSED = "AEON.to refused the amount of this order"
    DEADLINE = "AEON.to did not accept this order in time"
    CLOSED = "closed by an operator"


async def apply_created(
    session: AsyncSession, job: CreationTask, report: Report, now: datetime
) -> ApplyResult:
    """Keep the uuid that AEON.to gave an order, and what else it already said.

    An answer about another amount or address, or in a state that no new order can have, is
    refused, and the order is created again.
    """
    async with session.begin():
        order = await locked_under_lease(session, job.order_id, job.lease_token)
        if order is None:
            return ApplyResult(lease_lost=True)
        fault = await _creation_fault(session, order, report)
        if fault is not None:
            await events.noted(
                session,
                order.id,
                kind=OrderEventKind.REFUSED,
                status=order.status,
                reported=report.state,
                at=now,
                reason=fault,
                evidence=events.evidence_of(report),
            )
            keep_failures(order, None)
            reschedule(order, creation_again(OrderStatus(order.status), now))
            return ApplyResult(refused=fault)
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
            session,
            order,
            report.uuid,
            report,
            settlement=None,
            now=now,
            cause=job.lease_token,
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
    session: AsyncSession,
    job: PollTask,
    report: Report,
    now: datetime,
    settlement: Settlement | None = None,
) -> ApplyResult:
    """Do what a report means: move, grant, refuse, remember; then say when to look next.

    `settlement` is what the chain says of a report of BTC_SENT; None: the chain is not asked.
    """
    async with session.begin():
        order = await locked_under_lease(session, job.order_id, job.lease_token)
        if order is None:
            return ApplyResult(lease_lost=True)
        return await _apply(
            session,
            order,
            job.uuid,
            report,
            settlement=settlement,
            now=now,
            cause=job.lease_token,
        )


async def _apply(
    session: AsyncSession,
    order: Order,
    uuid: str | None,
    report: Report,
    *,
    settlement: Settlement | None,
    now: datetime,
    cause: str,
) -> ApplyResult:
    facts = facts_of(order, uuid=uuid, claimed_at=await _claimed_at(session, order.id, settlement))
    decision, settlement = await _decide(
        session, order.id, facts, report, settlement=settlement, now=now
    )
    not_seen_for = await unseen_for(session, order.id, now) if decision.move_to else None
    if decision.believed:
        await _keep_payment(session, order.id, report, now, unsettled=decision.unsettled)
    return await carry_out(
        session,
        order,
        decision,
        Observation(
            reported=report.state,
            evidence=events.evidence_of(report, settlement),
            expires_at=report.expires_at if decision.believed else None,
            cause=cause,
        ),
        grant=Grant(order.number_of_credits),
        unseen_for=not_seen_for,
        now=now,
    )


async def _decide(
    session: AsyncSession,
    order_id: str,
    facts: OrderFacts,
    report: Report,
    *,
    settlement: Settlement | None,
    now: datetime,
) -> tuple[Decision, Settlement | None]:
    """Decide, and take the output that settles the order; without a free one it is not settled."""
    decision = evaluate_report(facts, report, now, settlement)
    if decision.move_to is not OrderStatus.BTC_SENT or not isinstance(settlement, Verified):
        return decision, settlement
    if await settlements.take(session, order_id, settlement, now) is not None:
        return decision, settlement
    return evaluate_report(facts, report, now, ALL_TAKEN), ALL_TAKEN


async def _claimed_at(
    session: AsyncSession, order_id: str, settlement: Settlement | None
) -> datetime | None:
    if settlement is None:
        return None
    return await session.scalar(
        select(Payment.settlement_claimed_at).where(Payment.order_id == order_id)
    )


async def _keep_payment(
    session: AsyncSession, order_id: str, report: Report, now: datetime, *, unsettled: bool
) -> None:
    """Keep what a believed report says; what it leaves out stays as it was last said."""
    said = payment_details(report)
    if unsettled:
        said["settlement_claimed_at"] = func.coalesce(Payment.settlement_claimed_at, now)
    await session.execute(
        update(Payment).where(Payment.order_id == order_id).values(**said, seen_at=now)
    )


async def postpone(
    session: AsyncSession,
    job: CreationTask | PollTask,
    *,
    pause: timedelta,
    alarm: str | None,
    now: datetime,
    why: str | None = None,
) -> ApplyResult:
    """Try again after a pause, with an alarm for the operator if such failures last.

    `alarm` is what this failure calls for (`app.orders.rules.failures`). `why` is what failed, in words for the operator; the event of the alarm carries it.
    """
    async with session.begin():
        order = await locked_under_lease(session, job.order_id, job.lease_token)
        if order is None:
            return ApplyResult(lease_lost=True)
        look = look_after_failure(
            OrderStatus(order.status),
            rail=Rail(order.rail),
            since=order.status_since,
            pause=pause,
            creating=isinstance(job, CreationTask),
            now=now,
        )
        reschedule(order, look)
        failures, alarm = after_failure(failures_of(order), alarm, now)
        keep_failures(order, failures)
        if alarm is not None and not await events.noted(
            session,
            order.id,
            kind=OrderEventKind.ALARM,
            status=order.status,
            reported=order.status,
            at=now,
            reason=alarm,
            evidence={"failure": why} if why is not None else None,
        ):
            alarm = None  # it rang before
        return ApplyResult(alarm=alarm)


async def fail_refused(session: AsyncSession, job: CreationTask, now: datetime) -> ApplyResult:
    """End an order that AEON.to refused for good (errors 003 and 004), unless it was cancelled."""
    async with session.begin():
        order = await locked_under_lease(session, job.order_id, job.lease_token)
        if order is None:
            return ApplyResult(lease_lost=True)
        if order.status == OrderStatus.CANCELLED:
            reschedule(order, None)
            return ApplyResult()
        await _fail(session, order, OrderFailureReason.REFUSED, Actor(WORKER, job.lease_token), now)
        return ApplyResult(moved_to=OrderStatus.FAILED)


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


async def fail_overdue(session: AsyncSession, order_id: str, now: datetime) -> ApplyResult:
    """End an order whose deadline has passed, unless somebody works on it meanwhile."""
    async with session.begin():
        order = await session.scalar(
            select(Order)
            .where(Order.id == order_id, _overdue(now))
            .with_for_update(skip_locked=True)
        )
        if order is None:
            return ApplyResult(lease_lost=True)
        await _fail(session, order, OrderFailureReason.DEADLINE, Actor(WORKER, "deadline"), now)
        return ApplyResult(moved_to=OrderStatus.FAILED)


async def _fail(
    session: AsyncSession, order: Order, why: OrderFailureReason, actor: Actor, now: datetime
) -> None:
    order.failure_reason = why
    reschedule(order, None)
    await move(
        session,
        order,
        OrderStatus.FAILED,
        grant=None,
        actor=actor,
        reason=why,
        evidence=None,
        now=now,
    )
