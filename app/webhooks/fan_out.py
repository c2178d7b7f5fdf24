"""Turning events into deliveries: for each endpoint, in order, once, in one transaction with where it is.

An endpoint remembers the last event that it has a delivery for. That number moves in the
transaction that inserts the deliveries and their jobs, so a crash loses none and makes none twice.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Select, Text, cast, func, select, true, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.events.models import AccountEvent, Event
from app.runtime.db.base import AnyRow, AnySelect
from app.runtime.db.direct import Statement
from app.runtime.db.engine import Database
from app.runtime.security import new_id
from app.webhooks.jobs import wake_next
from app.webhooks.messages import event_body, message_id
from app.webhooks.models import ENABLED, WebhookDelivery, WebhookEndpoint
from app.webhooks.rules.states import DeliveryStatus

_ENDPOINTS_AT_A_TIME: Final = 100
_EVENTS_AT_A_TIME: Final = 200


# What was enabled is told here, so that its first events are not kept waiting.
ENDPOINTS_CHANNEL: Final = "assay_webhook_endpoints"
_IS_WANTED: Final = Statement(
    f"SELECT EXISTS (SELECT FROM webhook_endpoints WHERE status = {ENABLED})"  # noqa: S608
)
# What an event tells, looked up by its id: `LIMIT 1` keeps the planner from reading all of them in its
# stead.
TOLD: Final = (
    select(Event.at, Event.previous_status, cast(Event.data, Text).label("data"))
    .where(Event.id == AccountEvent.event_id)
    .limit(1)
    .lateral("told")
)


async def is_wanted(database: Database) -> bool:
    """Say whether any endpoint is enabled."""
    [row] = await database.fetch(_IS_WANTED)
    return bool(row[0])


async def fan_out(session: AsyncSession, now: datetime) -> bool:
    """Make the deliveries of the next events of each endpoint that is behind; say if there was one.

    Each has a turn: thousands of events of one endpoint hold up no other.
    """
    last_id, was_behind = "", False
    while True:
        async with session.begin():
            behind = (await session.scalars(_behind(last_id))).all()
        for endpoint_id in behind:
            await _fan_out_one(session, endpoint_id, now)
        was_behind = was_behind or bool(behind)
        if len(behind) < _ENDPOINTS_AT_A_TIME:
            return was_behind
        last_id = behind[-1]


def _behind(last_id: str) -> Select[str]:
    """Find enabled endpoints whose account has events that they have no deliveries of."""
    # One look at the end of an index for each endpoint: no plan reads the streams.
    latest = (
        select(func.max(AccountEvent.sequence))
        .where(AccountEvent.account_id == WebhookEndpoint.account_id)
        .scalar_subquery()
    )
    return (
        select(WebhookEndpoint.id)
        .where(
            WebhookEndpoint.status == ENABLED,
            WebhookEndpoint.id > last_id,
            latest > WebhookEndpoint.last_sequence,
        )
        .order_by(WebhookEndpoint.id)
        .limit(_ENDPOINTS_AT_A_TIME)
    )


async def _fan_out_one(session: AsyncSession, endpoint_id: str, now: datetime) -> None:
    """Make the deliveries of the next events of an endpoint, unless another process does."""
    locking = (
        select(
            WebhookEndpoint.account_id, WebhookEndpoint.event_types, WebhookEndpoint.last_sequence
        )
        .where(WebhookEndpoint.id == endpoint_id, WebhookEndpoint.status == ENABLED)
        .with_for_update(skip_locked=True)
    )
    async with session.begin():
        endpoint = (await session.execute(locking)).one_or_none()
        if endpoint is None:
            return
        query = events_of(endpoint.account_id).where(AccountEvent.sequence > endpoint.last_sequence)
        events = (await session.execute(query.limit(_EVENTS_AT_A_TIME))).all()
        if not events:
            return
        wanted = _wanted(events, endpoint.event_types)
        await add_deliveries(session, endpoint_id, endpoint.account_id, wanted, now)
        await session.execute(
            update(WebhookEndpoint)
            .where(WebhookEndpoint.id == endpoint_id)
            .values(last_sequence=events[-1].sequence)
        )
        await wake_next(session, endpoint_id, now)


def events_of(account_id: str) -> AnySelect:
    """Read the events of an account, oldest first."""
    return (
        select(
            AccountEvent.sequence,
            AccountEvent.type,
            TOLD.c.at,
            TOLD.c.previous_status,
            TOLD.c.data,
        )
        .join(TOLD, true())
        .where(AccountEvent.account_id == account_id)
        .order_by(AccountEvent.sequence)
    )


def _wanted(events: Sequence[AnyRow], event_types: Sequence[str] | None) -> Sequence[AnyRow]:
    return [event for event in events if event_types is None or event.type in event_types]


async def add_deliveries(
    session: AsyncSession,
    endpoint_id: str,
    account_id: str,
    events: Sequence[AnyRow],
    now: datetime,
) -> None:
    """Insert pending deliveries of rows of `events_of`, but for those that are there already."""
    if not events:
        return
    rows = [_delivery(endpoint_id, account_id, event, now) for event in events]
    connection = await session.connection()
    await connection.execute(
        insert(WebhookDelivery)
        .values(rows)
        .on_conflict_do_nothing(index_elements=["endpoint_id", "sequence"])
    )


def _delivery(endpoint_id: str, account_id: str, event: AnyRow, now: datetime) -> dict[str, Any]:
    return {
        "id": new_id("whd"),
        "endpoint_id": endpoint_id,
        "sequence": event.sequence,
        "event_type": event.type,
        "message_id": message_id(account_id, event.sequence),
        "request_body": event_body(
            sequence=event.sequence,
            event_type=event.type,
            at=event.at,
            data=event.data,
            previous_status=event.previous_status,
        ),
        "created_at": now,
        "status": DeliveryStatus.PENDING,
        "next_attempt_at": now,
    }
