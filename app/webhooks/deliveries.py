"""The log of deliveries: reading it, sending a test, and sending again what is in it or was missed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import ColumnElement, and_, delete, func, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from app.accounts.authentication import Caller
from app.accounts.errors import AccessCodeNotFound
from app.events.models import AccountEvent
from app.runtime import leases
from app.runtime.errors import InvalidParameter, NotFound
from app.runtime.paging import ALL_TIME, Cursor, Page, TimeRange, page_of
from app.runtime.security import WEBHOOK_DELIVERY_ID_PATTERN, new_id
from app.webhooks import messages
from app.webhooks.endpoints import EndpointFacts, lock
from app.webhooks.errors import WebhookEndpointDisabled
from app.webhooks.fan_out import TOLD, add_deliveries, events_of
from app.webhooks.jobs import wake_next
from app.webhooks.models import WebhookDelivery
from app.webhooks.rules.states import TEST_EVENT, DeliveryStatus

# As many events one request can send again.
MAX_REDELIVERED: Final = 1000
KEPT: Final = timedelta(days=30)
_DELETED_AT_ONCE: Final = 1000


@dataclass(frozen=True)
class DeliveryFacts:
    """What may be shown of a delivery in a list."""

    id: str
    message_id: str
    event_type: str
    sequence: int | None
    status: str
    created_at: datetime
    attempts: int
    last_attempt_at: datetime | None
    next_attempt_at: datetime | None
    answer_status: int | None
    duration_ms: int | None
    error: str | None


@dataclass(frozen=True)
class DeliveryBodies(DeliveryFacts):
    """A delivery with what was sent, and what was last answered."""

    request_body: str
    answer_body: str | None


@dataclass(frozen=True)
class Wanted:
    """What is to be sent again: deliveries by their ids, or events by where they stand.

    Events from `from_sequence` to `to_sequence`, both included, or since a time.
    """

    delivery_ids: Sequence[str] | None = None
    from_sequence: int | None = None
    to_sequence: int | None = None
    since: datetime | None = None


@dataclass(frozen=True)
class Redelivered:
    """How many deliveries are on their way again; `more_from`: the first event beyond the bound."""

    count: int
    more_from: int | None


_COLUMNS: Final = tuple(
    getattr(WebhookDelivery, name) for name in DeliveryFacts.__dataclass_fields__
)
_BODIES: Final = (*_COLUMNS, WebhookDelivery.request_body, WebhookDelivery.answer_body)


async def list_of(
    connection: AsyncConnection,
    endpoint_id: str,
    *,
    status: DeliveryStatus | None,
    cursor: Cursor | None,
    limit: int,
    created: TimeRange = ALL_TIME,
) -> Page[DeliveryFacts]:
    """Return one page of the deliveries of an endpoint, newest first."""
    query = select(*_COLUMNS).where(WebhookDelivery.endpoint_id == endpoint_id)
    if status is not None:
        query = query.where(WebhookDelivery.status == status)
    return await page_of(
        connection,
        query,
        order=(WebhookDelivery.created_at, WebhookDelivery.id),
        cursor=cursor,
        limit=limit,
        read=lambda row: DeliveryFacts(**row._mapping),
        position=lambda facts: (facts.created_at, facts.id),
        within=created,
    )


async def get(
    connection: AsyncConnection | AsyncSession, endpoint_id: str, delivery_id: str
) -> DeliveryBodies:
    """Return a delivery with its bodies. Raises NotFound."""
    if not WEBHOOK_DELIVERY_ID_PATTERN.fullmatch(delivery_id):
        raise _not_found()
    found = await connection.execute(
        select(*_BODIES).where(
            WebhookDelivery.id == delivery_id, WebhookDelivery.endpoint_id == endpoint_id
        )
    )
    row = found.one_or_none()
    if row is None:
        raise _not_found()
    return DeliveryBodies(**row._mapping)


async def send_test(
    session: AsyncSession, endpoint_id: str, *, caller: Caller, now: datetime
) -> DeliveryBodies:
    """Make the delivery of a test in the caller's transaction; it is sent once, soon.

    A disabled endpoint can be tested, too. Raises AccessCodeNotFound and NotFound.
    """
    if not caller.active:
        raise AccessCodeNotFound
    await lock(session, caller.account_id, endpoint_id)
    delivery_id = new_id("whd")
    await session.execute(
        insert(WebhookDelivery).values(
            id=delivery_id,
            endpoint_id=endpoint_id,
            event_type=TEST_EVENT,
            message_id=messages.new_message_id(),
            request_body=messages.test_body(endpoint_id, now),
            created_at=now,
            status=DeliveryStatus.PENDING,
            next_attempt_at=now,
        )
    )
    await wake_next(session, endpoint_id, now)
    return await get(session, endpoint_id, delivery_id)


async def redeliver(
    session: AsyncSession, endpoint_id: str, *, caller: Caller, wanted: Wanted, now: datetime
) -> Redelivered:
    """Send deliveries again in the caller's transaction, under the same `webhook-id`.

    Of events in a range, those that the endpoint is told of; deliveries that are not in the log any
    more, or never were, are made. Raises AccessCodeNotFound, NotFound, WebhookEndpointDisabled, and
    InvalidParameter for a delivery that is not of the endpoint.
    """
    if not caller.active:
        raise AccessCodeNotFound
    endpoint = await lock(session, caller.account_id, endpoint_id)
    if not endpoint.is_enabled:
        raise WebhookEndpointDisabled
    if wanted.delivery_ids is not None:
        ids, more_from = wanted.delivery_ids, None
        count = await _again(session, endpoint_id, WebhookDelivery.id.in_(ids), now)
        if count != len(set(ids)):
            raise InvalidParameter(
                "delivery_ids", "a list of ids of deliveries of this webhook endpoint"
            )
    else:
        count, more_from = await _events_again(
            session, caller.account_id, endpoint, wanted=wanted, now=now
        )
    await wake_next(session, endpoint_id, now)
    return Redelivered(count, more_from)


async def _events_again(
    session: AsyncSession,
    account_id: str,
    endpoint: EndpointFacts,
    *,
    wanted: Wanted,
    now: datetime,
) -> tuple[int, int | None]:
    """Send the events of a range again; return how many, and the first one beyond the bound."""
    query = events_of(account_id).where(_in_range(wanted))
    if endpoint.event_types is not None:
        query = query.where(AccountEvent.type.in_(endpoint.event_types))
    events = (await session.execute(query.limit(MAX_REDELIVERED + 1))).all()
    more_from = events[MAX_REDELIVERED].sequence if len(events) > MAX_REDELIVERED else None
    events = events[:MAX_REDELIVERED]
    await add_deliveries(session, endpoint.id, account_id, events, now)
    numbers = [event.sequence for event in events]
    return await _again(session, endpoint.id, WebhookDelivery.sequence.in_(numbers), now), more_from


def _in_range(wanted: Wanted) -> ColumnElement[bool]:
    if wanted.since is not None:
        since: ColumnElement[bool] = TOLD.c.at >= wanted.since
        return since
    first = AccountEvent.sequence >= (wanted.from_sequence or 0)
    if wanted.to_sequence is None:
        return first
    return and_(first, AccountEvent.sequence <= wanted.to_sequence)


async def _again(
    session: AsyncSession, endpoint_id: str, which: ColumnElement[bool], now: datetime
) -> int:
    """Let deliveries of an endpoint begin anew, and count them.

    One that is being sent is left to that attempt: it counts, too.
    """
    found = await session.execute(
        select(
            WebhookDelivery.id, leases.is_free(WebhookDelivery.lease_until).label("is_free")
        ).where(WebhookDelivery.endpoint_id == endpoint_id, which)
    )
    rows = found.all()
    await session.execute(
        update(WebhookDelivery)
        .where(WebhookDelivery.id.in_([row.id for row in rows if row.is_free]))
        .values(
            status=DeliveryStatus.PENDING,
            next_attempt_at=now,
            attempts=0,
            first_attempt_at=None,
            lease_until=None,
            woken_at=None,
        )
    )
    return len(rows)


async def delete_old(session: AsyncSession, now: datetime) -> bool:
    """Delete deliveries after 30 days, a part of them; say whether there may be more.

    What is pending for an endpoint that is disabled so long goes, too.
    """
    before = now - KEPT
    is_over = or_(
        WebhookDelivery.status != DeliveryStatus.PENDING, WebhookDelivery.next_attempt_at < before
    )
    old = (
        select(WebhookDelivery.id)
        .where(WebhookDelivery.created_at < before, is_over)
        .limit(_DELETED_AT_ONCE)
        .with_for_update(skip_locked=True)
    )
    async with session.begin():
        deleted = await session.scalars(
            delete(WebhookDelivery)
            .where(WebhookDelivery.id == func.any(func.array(old.scalar_subquery())))
            .returning(WebhookDelivery.id)
        )
        return len(deleted.all()) == _DELETED_AT_ONCE


def _not_found() -> NotFound:
    return NotFound("webhook_delivery not found")
