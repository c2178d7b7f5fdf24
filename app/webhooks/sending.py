"""One attempt of a delivery: claim it, send it with nothing open, write down what became of it."""

import asyncio
import secrets as randomness
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.runtime import leases
from app.runtime.clock import Clock
from app.runtime.db.base import AnyRow
from app.runtime.db.engine import Database
from app.webhooks.endpoints import disabling
from app.webhooks.jobs import AT_ONCE, LEASE, wake_next
from app.webhooks.models import PENDING, WebhookDelivery, WebhookEndpoint
from app.webhooks.rules.retries import GIVEN_UP_AFTER, next_attempt_at
from app.webhooks.rules.signing import signed_headers
from app.webhooks.rules.states import DeliveryStatus, DisabledReason, EndpointStatus
from app.webhooks.secrets import SecretStore, SecretUnreadable
from app.webhooks.sender import Attempt, WebhookSender

# An endpoint whose answers take longer has its jobs among those of slow endpoints.
SLOW_MS: Final = 2000
_CHANCES: Final = 1000
# Of the connections that requests and loops of this process share.
_TRANSACTIONS_AT_ONCE: Final = 3


@dataclass(frozen=True)
class SentDelivery:
    """What became of an attempt. `retry_at` is None when there is no other."""

    attempt: Attempt
    retry_at: datetime | None
    disabled: DisabledReason | None


@dataclass(frozen=True)
class _Claimed:
    """A delivery that is ours for the time of a lease; `number` counts its attempts, from 1."""

    id: str
    endpoint_id: str
    url: str
    sequence: int | None
    message_id: str
    body: str
    number: int
    first_attempt_at: datetime
    sealed: Sequence[bytes]


class WebhookDelivering:
    """Sends deliveries that are due."""

    def __init__(
        self, database: Database, clock: Clock, sender: WebhookSender, secrets: SecretStore
    ) -> None:
        self._database = database
        self._clock = clock
        self._sender = sender
        self._secrets = secrets
        self._transactions = asyncio.Semaphore(_TRANSACTIONS_AT_ONCE)

    async def deliver(self, delivery_id: str) -> SentDelivery | None:
        """Send a delivery if it is due and there is room; None: there is nothing to do now."""
        async with self._transactions, self._database.sessions() as session:
            claimed = await _claim(session, delivery_id, self._clock.now())
        if claimed is None:
            return None
        attempt = await self._send(claimed)
        async with self._transactions, self._database.sessions() as session:
            return await _save(session, claimed, attempt, self._clock.now())

    async def _send(self, claimed: _Claimed) -> Attempt:
        try:
            keys = [self._secrets.unseal(sealed) for sealed in claimed.sealed]
        except SecretUnreadable as fault:
            return Attempt(None, b"", "", f"Not sent, for it cannot be signed: {fault}", 0)
        body = claimed.body.encode()
        headers = signed_headers(
            body, message_id=claimed.message_id, at=self._clock.now(), keys=keys
        )
        return await self._sender.send(claimed.url, headers, body)


async def _claim(session: AsyncSession, delivery_id: str, now: datetime) -> _Claimed | None:
    """Take a delivery that is due; None: it is not, somebody has it, or its endpoint has no room.

    What finds no room is woken by whoever makes some.
    """
    async with session.begin():
        endpoint = await _lock_endpoint(session, delivery_id)
        if endpoint is None:
            return None
        delivery = (
            await session.execute(
                select(WebhookDelivery).where(
                    WebhookDelivery.id == delivery_id,
                    WebhookDelivery.status == PENDING,
                    WebhookDelivery.next_attempt_at <= now,
                    leases.is_free(WebhookDelivery.lease_until),
                )
            )
        ).scalar_one_or_none()
        if delivery is None:
            return None
        is_stopped = endpoint.status == EndpointStatus.DISABLED and delivery.sequence is not None
        if is_stopped or await _being_sent(session, endpoint.id) >= AT_ONCE:
            await _set(session, delivery_id, {"woken_at": None})
            return None
        number, first = delivery.attempts + 1, delivery.first_attempt_at or now
        await _set(
            session,
            delivery_id,
            {
                "woken_at": None,
                "lease_until": leases.lasting(LEASE),
                "attempts": number,
                "first_attempt_at": first,
                "last_attempt_at": now,
            },
        )
        return _Claimed(
            id=delivery_id,
            endpoint_id=endpoint.id,
            url=endpoint.url,
            sequence=delivery.sequence,
            message_id=delivery.message_id,
            body=delivery.request_body,
            number=number,
            first_attempt_at=first,
            sealed=_signing(endpoint, now),
        )


def _signing(endpoint: AnyRow, now: datetime) -> list[bytes]:
    """Return the sealed secrets that sign now, the new one first."""
    if endpoint.old_secret is None or endpoint.old_secret_until <= now:
        return [endpoint.secret]
    return [endpoint.secret, endpoint.old_secret]


async def _lock_endpoint(session: AsyncSession, delivery_id: str) -> AnyRow | None:
    """Lock the endpoint of a delivery: whoever changes deliveries does that first."""
    whose = select(WebhookDelivery.endpoint_id).where(WebhookDelivery.id == delivery_id)
    found = await session.execute(
        select(
            WebhookEndpoint.id,
            WebhookEndpoint.url,
            WebhookEndpoint.status,
            WebhookEndpoint.secret,
            WebhookEndpoint.old_secret,
            WebhookEndpoint.old_secret_until,
            WebhookEndpoint.failing_since,
            WebhookEndpoint.is_slow,
        )
        .where(WebhookEndpoint.id == whose.scalar_subquery())
        .with_for_update(key_share=True)
    )
    return found.one_or_none()


async def _being_sent(session: AsyncSession, endpoint_id: str) -> int:
    counted = await session.scalars(
        select(func.count()).where(
            WebhookDelivery.endpoint_id == endpoint_id,
            WebhookDelivery.status == PENDING,
            WebhookDelivery.lease_until > func.clock_timestamp(),
        )
    )
    return counted.one()


async def _save(
    session: AsyncSession, claimed: _Claimed, attempt: Attempt, now: datetime
) -> SentDelivery | None:
    """Write down an attempt, and wake the next delivery of the endpoint.

    None: it was deleted meanwhile, or asked for again.
    """
    async with session.begin():
        endpoint = await _lock_endpoint(session, claimed.id)
        if endpoint is None:
            return None
        retry_at = _retry_at(claimed, attempt, now)
        kept = await session.scalars(
            update(WebhookDelivery)
            .where(
                WebhookDelivery.id == claimed.id,
                WebhookDelivery.status == PENDING,
                WebhookDelivery.attempts == claimed.number,
            )
            .values(
                status=_status(attempt, retry_at),
                next_attempt_at=retry_at,
                lease_until=None,
                answer_status=attempt.http_status,
                answer_body=attempt.answer.decode(errors="replace").replace("\0", "�"),
                duration_ms=attempt.duration_ms,
                error=attempt.error,
            )
            .returning(WebhookDelivery.id)
        )
        if kept.one_or_none() is None:
            return None
        disabled = await _note(session, endpoint, claimed, attempt, now)
        await wake_next(session, endpoint.id, now)
    return SentDelivery(attempt, retry_at, disabled)


def _retry_at(claimed: _Claimed, attempt: Attempt, now: datetime) -> datetime | None:
    """Return when to send again; None: never. A test is sent once."""
    if attempt.succeeded or attempt.is_gone or claimed.sequence is None:
        return None
    return next_attempt_at(
        first_attempt_at=claimed.first_attempt_at,
        attempts=claimed.number,
        now=now,
        retry_after=attempt.retry_after,
        chance=randomness.randbelow(_CHANCES) / _CHANCES,
    )


def _status(attempt: Attempt, retry_at: datetime | None) -> DeliveryStatus:
    if attempt.succeeded:
        return DeliveryStatus.DELIVERED
    return DeliveryStatus.FAILED if retry_at is None else DeliveryStatus.PENDING


async def _note(
    session: AsyncSession, endpoint: AnyRow, claimed: _Claimed, attempt: Attempt, now: datetime
) -> DisabledReason | None:
    """Note at the endpoint how it answers; return why it is disabled by that, if it is."""
    if claimed.sequence is None:
        return None
    changes: dict[str, Any] = {}
    disabled = None
    is_slow = attempt.duration_ms > SLOW_MS
    if is_slow is not endpoint.is_slow:
        changes["is_slow"] = is_slow
    if attempt.succeeded:
        if endpoint.failing_since is not None:
            changes["failing_since"] = None
    else:
        failing_since = endpoint.failing_since or now
        changes["failing_since"] = failing_since
        if attempt.is_gone:
            disabled = DisabledReason.GONE
        elif now - failing_since >= GIVEN_UP_AFTER:
            disabled = DisabledReason.FAILING
    if disabled is not None and endpoint.status == EndpointStatus.ENABLED:
        changes |= disabling(disabled, now)
    else:
        disabled = None
    if changes:
        await session.execute(
            update(WebhookEndpoint).where(WebhookEndpoint.id == endpoint.id).values(changes)
        )
    return disabled


async def _set(session: AsyncSession, delivery_id: str, values: dict[str, Any]) -> None:
    await session.execute(
        update(WebhookDelivery).where(WebhookDelivery.id == delivery_id).values(values)
    )
