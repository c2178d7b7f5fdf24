"""Jobs that wake the worker for deliveries, and how many of an endpoint there may be at once.

A job holds the id of a delivery and nothing else: what is to be sent, when, and by whom stands in
`webhook_deliveries`. So a job that is lost costs a moment, and one too many finds nothing to do.

A delivery that is due has a job only while fewer than AT_ONCE of its endpoint are on their way:
whoever finishes one wakes the next. So an endpoint that is slow, or has thousands waiting, takes
few places. One that fails or is slow has its jobs in a queue of such endpoints alone.
"""

from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Select, func, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from app.webhooks.models import ENABLED, PENDING, WebhookDelivery, WebhookEndpoint

QUEUE: Final = "webhooks"
SLOW_QUEUE: Final = "webhooks_slow"
DELIVER: Final = "deliver_webhook"
# How many webhooks of one endpoint are on their way at once, from all processes.
AT_ONCE: Final = 8
# Longer than a sending with its two transactions takes; what died holds its place for so long.
LEASE: Final = timedelta(seconds=20)

# A job that was made so long ago and has not begun is taken for lost.
_JOB_LOST_AFTER: Final = timedelta(seconds=30)
# A retry has a job of the engine at its time: what is due for longer has none.
_RETRY_LOST_AFTER: Final = timedelta(seconds=20)
_ENDPOINTS_AT_A_TIME: Final = 100

# The path of the functions is the engine's (migration 0012).
_WAKE: Final = text(
    """
    WITH endpoint AS (
        SELECT id, CASE WHEN is_slow OR failing_since IS NOT NULL
            THEN :slow_queue ELSE :queue END AS queue,
            status
        FROM webhook_endpoints WHERE id = :endpoint_id
    ), busy AS (
        SELECT count(*) AS number FROM webhook_deliveries
        WHERE endpoint_id = :endpoint_id AND status = 'pending'
            AND (woken_at IS NOT NULL OR lease_until IS NOT NULL)
            AND (woken_at > clock_timestamp() - CAST(:lost_after AS interval)
                OR lease_until > clock_timestamp())
    ), next AS (
        SELECT delivery.id FROM webhook_deliveries AS delivery, endpoint
        WHERE delivery.endpoint_id = :endpoint_id AND delivery.status = 'pending'
            AND delivery.next_attempt_at <= :now
            AND (lease_until IS NULL OR lease_until <= clock_timestamp())
            AND (woken_at IS NULL OR woken_at <= clock_timestamp() - CAST(:lost_after AS interval))
            AND (endpoint.status = 'enabled' OR delivery.sequence IS NULL)
        ORDER BY delivery.next_attempt_at, delivery.sequence
        LIMIT (SELECT greatest(0, :at_once - number) FROM busy)
    ), woken AS (
        UPDATE webhook_deliveries AS delivery SET woken_at = clock_timestamp()
        FROM next WHERE delivery.id = next.id RETURNING delivery.id
    )
    SELECT jobs.procrastinate_defer_jobs_v1(array_agg(
        ROW(endpoint.queue, :task, 0, NULL, NULL, jsonb_build_object('delivery_id', woken.id),
            clock_timestamp())::jobs.procrastinate_job_to_defer_v1))
    FROM woken, endpoint HAVING count(*) > 0"""
)


async def wake_next(session: AsyncSession, endpoint_id: str, now: datetime) -> None:
    """Make jobs for deliveries of an endpoint that are due, as many as it has places for.

    In the caller's transaction, which holds the row of the endpoint.
    """
    await session.execute(
        _WAKE,
        {
            "endpoint_id": endpoint_id,
            "now": now,
            "queue": QUEUE,
            "slow_queue": SLOW_QUEUE,
            "task": DELIVER,
            "at_once": AT_ONCE,
            "lost_after": _JOB_LOST_AFTER,
        },
    )


async def wake_all(session: AsyncSession, endpoint_id: str, now: datetime) -> None:
    """Let all that is pending for an endpoint be due, and wake the worker for the first of it.

    In the caller's transaction, which holds the row of the endpoint.
    """
    await session.execute(
        update(WebhookDelivery)
        .where(WebhookDelivery.endpoint_id == endpoint_id, WebhookDelivery.status == PENDING)
        .values(next_attempt_at=now)
    )
    await wake_next(session, endpoint_id, now)


async def wake_lost(session: AsyncSession, now: datetime) -> None:
    """Wake the worker for due deliveries whose job was lost, of all endpoints."""
    last_id = ""
    while True:
        async with session.begin():
            found = await session.scalars(_behind(now, last_id))
            endpoint_ids = found.all()
            for endpoint_id in endpoint_ids:
                await wake_next(session, endpoint_id, now)
        if len(endpoint_ids) < _ENDPOINTS_AT_A_TIME:
            return
        last_id = endpoint_ids[-1]


def _behind(now: datetime, last_id: str) -> Select[str]:
    """Find and lock enabled endpoints of which a delivery is due for long."""
    # One look into an index for each endpoint, however many deliveries wait.
    oldest = (
        select(func.min(WebhookDelivery.next_attempt_at))
        .where(WebhookDelivery.endpoint_id == WebhookEndpoint.id, WebhookDelivery.status == PENDING)
        .scalar_subquery()
    )
    return (
        select(WebhookEndpoint.id)
        .where(
            WebhookEndpoint.status == ENABLED,
            WebhookEndpoint.id > last_id,
            oldest <= now - _RETRY_LOST_AFTER,
        )
        .order_by(WebhookEndpoint.id)
        .limit(_ENDPOINTS_AT_A_TIME)
        .with_for_update(skip_locked=True)
    )


async def waiting(connection: AsyncConnection, now: datetime) -> tuple[int, float]:
    """Count the deliveries that are due, with for how many seconds the oldest is, 0 if none.

    Of endpoints that answer well: the others wait for themselves.
    """
    due = (
        select(func.count(), func.min(WebhookDelivery.next_attempt_at))
        .join(WebhookEndpoint, WebhookEndpoint.id == WebhookDelivery.endpoint_id)
        .where(
            WebhookDelivery.status == PENDING,
            WebhookDelivery.next_attempt_at <= now,
            WebhookEndpoint.status == ENABLED,
            WebhookEndpoint.failing_since.is_(None),
            WebhookEndpoint.is_slow.is_(False),
        )
    )
    count, oldest = (await connection.execute(due)).one()
    return count, 0.0 if oldest is None else (now - oldest).total_seconds()
