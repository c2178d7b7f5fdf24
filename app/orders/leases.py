"""Which order is due, and who may work on it: claims under a lease, the weightiest first."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from sqlalchemy import (
    ARRAY,
    DateTime,
    SmallInteger,
    Text,
    TextClause,
    bindparam,
    select,
    text,
    update,
)
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from app.orders.models import Order
from app.orders.rules.poll_schedule import Urgency
from app.orders.rules.rails import Rail
from app.orders.rules.states import OrderStatus
from app.runtime import leases
from app.runtime.db.base import AnyRow
from app.runtime.db.direct import Statement
from app.runtime.db.engine import Database
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
    rail: Rail
    uuid: str | None
    btc_amount: Decimal
    btc_dest_address: str


class OrderPoisoned(Exception):
    """The database refuses even to lease an order; `order_id` is to be left out for a while."""

    def __init__(self, order_id: str) -> None:
        """Name the order."""
        super().__init__(f"order {order_id} cannot be leased")
        self.order_id = order_id


# One order for each urgency: of those that are equally urgent, the one that is due first weighs most
# (`app.orders.rules.poll_schedule`). So a claim costs the same however many are due.
_PER_URGENCY: Final = """
    FROM unnest(CAST(:urgencies AS smallint[])) AS urgency
    CROSS JOIN LATERAL (
        SELECT orders.id, orders.next_look_at, orders.btc_amount, orders.btc_dest_address {more}
        FROM orders {which} AND orders.look_urgency = urgency
            AND (orders.lease_until IS NULL OR orders.lease_until < clock_timestamp())
            AND orders.id <> ALL(CAST(:quarantined AS text[])) AND orders.next_look_at {due}
        ORDER BY orders.next_look_at, orders.id LIMIT 1 {locked}) AS found"""
_CREATIONS: Final = {
    "more": "",
    "which": f"""WHERE orders.status = '{OrderStatus.TO_BE_CREATED}'
            AND NOT EXISTS (SELECT FROM payments WHERE payments.order_id = orders.id)""",
}
_POLLS: Final = {
    "more": ", payments.uuid",
    "which": "JOIN payments ON payments.order_id = orders.id WHERE orders.rail = :rail",
}
_URGENCIES: Final = [int(urgency) for urgency in Urgency]


def _next(which: Mapping[str, str]) -> Statement:
    found = _PER_URGENCY.format(**which, due="IS NOT NULL", locked="")
    return Statement(f"SELECT min(found.next_look_at) {found}")


def _weightiest(which: Mapping[str, str]) -> TextClause:
    found = _PER_URGENCY.format(**which, due="<= :now", locked="FOR UPDATE OF orders SKIP LOCKED")
    weight = "extract(epoch FROM :now - found.next_look_at) * urgency"
    return text(
        f"SELECT found.* {found} ORDER BY {weight} DESC, found.next_look_at, found.id LIMIT 1"
    ).bindparams(
        bindparam("urgencies", _URGENCIES, ARRAY(SmallInteger())),
        bindparam("quarantined", type_=ARRAY(Text())),
        bindparam("now", type_=DateTime(timezone=True)),
    )


_NEXT_CREATION: Final = _next(_CREATIONS)
_NEXT_POLL: Final = _next(_POLLS)
_WEIGHTIEST_CREATION: Final = _weightiest(_CREATIONS)
_WEIGHTIEST_POLL: Final = _weightiest(_POLLS)


async def next_creation_at(
    database: Database, *, quarantined: Collection[str] = ()
) -> datetime | None:
    """Return when the next order is due to be created at AEON.to; None: none waits for that.

    Those in quarantine and those that somebody works on are left out.
    """
    return await _next_at(database, _NEXT_CREATION, quarantined)


async def next_poll_at(
    database: Database, rail: Rail, *, quarantined: Collection[str] = ()
) -> datetime | None:
    """Return when the next order on a rail is due for a look, in the same way."""
    return await _next_at(database, _NEXT_POLL, quarantined, rail=rail)


async def _next_at(
    database: Database, statement: Statement, quarantined: Collection[str], **which: str
) -> datetime | None:
    row = await database.fetch_row(
        statement, urgencies=_URGENCIES, quarantined=list(quarantined), **which
    )
    return row[0] if row else None


async def claim_creation(
    session: AsyncSession, now: datetime, *, quarantined: Collection[str] = ()
) -> CreationTask | None:
    """Take the order that has waited longest to be created; None when there is none.

    Raises OrderPoisoned.
    """
    claimed = await _claim(session, _WEIGHTIEST_CREATION, now, quarantined)
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
    claimed = await _claim(session, _WEIGHTIEST_POLL, now, quarantined, rail=rail)
    if claimed is None:
        return None
    row, lease_token = claimed
    return PollTask(row.id, lease_token, rail, row.uuid, row.btc_amount, row.btc_dest_address)


async def _claim(
    session: AsyncSession,
    weightiest: TextClause,
    now: datetime,
    quarantined: Collection[str],
    **which: str,
) -> tuple[AnyRow, str] | None:
    parameters = {"now": now, "quarantined": list(quarantined), **which}
    row, token = None, new_id("lease")
    try:
        async with session.begin():
            row = (await session.execute(weightiest, parameters)).one_or_none()
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
