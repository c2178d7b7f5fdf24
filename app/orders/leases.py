"""Which order is due, and who may work on it: claims under a lease, the weightiest first."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from sqlalchemy import ColumnElement, Float, cast, func, select, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from app.orders.models import Order, Payment
from app.orders.rules.rails import Rail
from app.orders.rules.states import OrderStatus
from app.runtime import leases
from app.runtime.db.base import AnyRow, AnySelect
from app.runtime.db.failures import is_unavailable
from app.runtime.rate_limit.rules import CALL_DEADLINE_SECONDS, LEAVE_WITHIN_SECONDS
from app.runtime.security import new_id

# A lease outlives the call that it covers; then another replica may take over.
LEASE: Final = timedelta(seconds=LEAVE_WITHIN_SECONDS + CALL_DEADLINE_SECONDS + 2)


@dataclass(frozen=True)
class CreationTask:
    """An order to be created at AEON.to, under a lease."""

    order_id: str
    lease_token: str
    btc_amount: Decimal
    btc_dest_address: str


@dataclass(frozen=True)
class PollTask:
    """An order to be looked at, under a lease; `uuid` is AEON.to's, None on the bitcoin rail."""

    order_id: str
    lease_token: str
    uuid: str | None
    btc_amount: Decimal
    btc_dest_address: str


class OrderPoisoned(Exception):
    """The database refuses even to lease an order; `order_id` is to be left out for a while."""

    def __init__(self, order_id: str) -> None:
        """Name the order."""
        super().__init__(f"order {order_id} cannot be leased")
        self.order_id = order_id


def _due(now: datetime, quarantined: Collection[str]) -> ColumnElement[bool]:
    return (
        (Order.next_look_at <= now)
        & leases.is_free(Order.lease_until)
        & Order.id.not_in(sorted(quarantined))
    )


def _weight(now: datetime) -> ColumnElement[float]:
    """Weigh an order that is due: its lateness times its urgency (`app.orders.rules.poll_schedule`)."""
    lateness_seconds = cast(func.extract("epoch", now - Order.next_look_at), Float)
    return lateness_seconds * Order.look_urgency


def _due_creations(now: datetime, quarantined: Collection[str]) -> AnySelect:
    known = select(Payment.order_id).where(Payment.order_id == Order.id).exists()
    return select(Order.id, Order.btc_amount, Order.btc_dest_address).where(
        _due(now, quarantined), Order.status == OrderStatus.TO_BE_CREATED, ~known
    )


def _due_polls(rail: Rail, now: datetime, quarantined: Collection[str]) -> AnySelect:
    return (
        select(Order.id, Payment.uuid, Order.btc_amount, Order.btc_dest_address)
        .join(Payment, Payment.order_id == Order.id)
        .where(_due(now, quarantined), Order.rail == rail)
    )


async def creation_is_due(
    connection: AsyncConnection, now: datetime, *, quarantined: Collection[str] = ()
) -> bool:
    """Say whether any order waits to be created at AEON.to, other than those in quarantine."""
    return (await connection.execute(_due_creations(now, quarantined).limit(1))).first() is not None


async def poll_is_due(
    connection: AsyncConnection, rail: Rail, now: datetime, *, quarantined: Collection[str] = ()
) -> bool:
    """Say whether any order on a rail is due for a look, other than those in quarantine."""
    return (
        await connection.execute(_due_polls(rail, now, quarantined).limit(1))
    ).first() is not None


async def claim_creation(
    session: AsyncSession, now: datetime, *, quarantined: Collection[str] = ()
) -> CreationTask | None:
    """Take the order that has waited longest to be created; None when there is none.

    Raises OrderPoisoned.
    """
    claimed = await _claim(session, _due_creations(now, quarantined), now)
    if claimed is None:
        return None
    row, lease_token = claimed
    return CreationTask(row.id, lease_token, row.btc_amount, row.btc_dest_address)


async def claim_poll(
    session: AsyncSession, rail: Rail, now: datetime, *, quarantined: Collection[str] = ()
) -> PollTask | None:
    """Take the order on a rail that a look is most due for; None when there is none.

    Raises OrderPoisoned.
    """
    claimed = await _claim(session, _due_polls(rail, now, quarantined), now)
    if claimed is None:
        return None
    row, lease_token = claimed
    return PollTask(row.id, lease_token, row.uuid, row.btc_amount, row.btc_dest_address)


async def _claim(session: AsyncSession, due: AnySelect, now: datetime) -> tuple[AnyRow, str] | None:
    weightiest = (
        due.order_by(_weight(now).desc(), Order.next_look_at, Order.id)
        .limit(1)
        .with_for_update(skip_locked=True, of=Order)
    )
    row, token = None, new_id("lease")
    try:
        async with session.begin():
            row = (await session.execute(weightiest)).one_or_none()
            if row is None:
                return None
            await session.execute(
                update(Order)
                .where(Order.id == row.id)
                .values(lease_token=token, lease_until=leases.lasting(LEASE))
            )
    except DBAPIError as fault:
        if row is None or is_unavailable(fault):
            raise
        raise OrderPoisoned(row.id) from fault
    return row, token


async def locked_under_lease(
    session: AsyncSession, order_id: str, lease_token: str
) -> Order | None:
    """Lock an order for applying an answer; None when another replica has taken it over."""
    return await session.scalar(
        select(Order)
        .where(Order.id == order_id, Order.lease_token == lease_token)
        .with_for_update()
    )
