"""Which order is due, and who may work on it: claims under a lease, most urgent first."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from sqlalchemy import ColumnElement, case, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from app.db.base import AnyRow, AnySelect
from app.domain.pace import CALL_DEADLINE_SECONDS, LEAVE_WITHIN_SECONDS
from app.domain.security import new_id
from app.domain.states import OrderStatus
from app.models import Order, Payment

# A lease outlives the call that it covers; then another replica may take over.
LEASE: Final = timedelta(seconds=LEAVE_WITHIN_SECONDS + CALL_DEADLINE_SECONDS + 2)
# So long somebody is surely waiting for an address; later it is one order among others.
_FRESH: Final = timedelta(minutes=2)
# An order that is this close to its time-out is looked at before the others.
_ABOUT_TO_EXPIRE: Final = timedelta(minutes=1)


@dataclass(frozen=True)
class CreationJob:
    """An order to be created at AEON.to, under a lease."""

    order_id: str
    lease_token: str
    btc_amount: Decimal
    btc_dest_address: str


@dataclass(frozen=True)
class LookJob:
    """An order to be looked at, under a lease."""

    order_id: str
    lease_token: str
    uuid: str


def _due(now: datetime) -> ColumnElement[bool]:
    free = or_(Order.lease_until.is_(None), Order.lease_until < now)
    return (Order.next_look_at <= now) & free


def _due_creations(now: datetime) -> AnySelect:
    known = select(Payment.order_id).where(Payment.order_id == Order.id).exists()
    return (
        select(Order.id, Order.btc_amount, Order.btc_dest_address)
        .where(_due(now), Order.status == OrderStatus.TO_BE_CREATED, ~known)
        .order_by(Order.next_look_at)
    )


def _due_looks(now: datetime) -> AnySelect:
    """Most urgent first: no address yet, then about to expire, then open, then the aftermath."""
    closed = Order.status.in_((OrderStatus.TIMED_OUT, OrderStatus.NOT_FOUND))
    waiting = Order.status.in_((OrderStatus.UNPAID, OrderStatus.UNDERPAID))
    urgency = case(
        ((Order.status == OrderStatus.TO_BE_CREATED) & (Order.status_since > now - _FRESH), 0),
        (waiting & Payment.expires_at.between(now - _ABOUT_TO_EXPIRE, now + _ABOUT_TO_EXPIRE), 1),
        (closed, 3),
        else_=2,
    )
    return (
        select(Order.id, Payment.uuid)
        .join(Payment, Payment.order_id == Order.id)
        .where(_due(now))
        .order_by(urgency, Order.next_look_at)
    )


async def creation_is_due(connection: AsyncConnection, now: datetime) -> bool:
    """Say whether any order waits to be created at AEON.to."""
    return (await connection.execute(_due_creations(now).limit(1))).first() is not None


async def look_is_due(connection: AsyncConnection, now: datetime) -> bool:
    """Say whether any order is due for a look."""
    return (await connection.execute(_due_looks(now).limit(1))).first() is not None


async def claim_creation(session: AsyncSession, now: datetime) -> CreationJob | None:
    """Take the order that has waited longest to be created; None when there is none."""
    async with session.begin():
        row = await _first_free(session, _due_creations(now))
        if row is None:
            return None
        return CreationJob(
            order_id=row.id,
            lease_token=await _lease(session, row.id, now),
            btc_amount=row.btc_amount,
            btc_dest_address=row.btc_dest_address,
        )


async def claim_look(session: AsyncSession, now: datetime) -> LookJob | None:
    """Take the order that is most urgently due for a look; None when there is none."""
    async with session.begin():
        row = await _first_free(session, _due_looks(now))
        if row is None:
            return None
        return LookJob(row.id, await _lease(session, row.id, now), row.uuid)


async def _first_free(session: AsyncSession, due: AnySelect) -> AnyRow | None:
    locked = due.limit(1).with_for_update(skip_locked=True, of=Order)
    return (await session.execute(locked)).one_or_none()


async def _lease(session: AsyncSession, order_id: str, now: datetime) -> str:
    token = new_id("lease")
    await session.execute(
        update(Order).where(Order.id == order_id).values(lease_token=token, lease_until=now + LEASE)
    )
    return token


async def locked_under_lease(
    session: AsyncSession, order_id: str, lease_token: str
) -> Order | None:
    """Lock an order for applying an answer; None when another replica has taken it over."""
    return await session.scalar(
        select(Order)
        .where(Order.id == order_id, Order.lease_token == lease_token)
        .with_for_update()
    )
