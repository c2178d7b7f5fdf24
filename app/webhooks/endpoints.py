"""Webhook endpoints of an account: making, changing and deleting them, and their secrets."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import delete, func, insert, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from app.accounts.authentication import Caller
from app.accounts.errors import AccessCodeNotFound
from app.events.models import AccountEvent
from app.events.types import EventType
from app.ledger import audit_log
from app.ledger.actors import Actor
from app.runtime.db.base import AnyRow, AnySelect
from app.runtime.errors import NotFound
from app.runtime.paging import ALL_TIME, Cursor, Page, TimeRange, page_of
from app.runtime.security import WEBHOOK_ENDPOINT_ID_PATTERN, new_id
from app.webhooks.errors import TooManyWebhookEndpoints
from app.webhooks.jobs import wake_all
from app.webhooks.models import WebhookEndpoint
from app.webhooks.rules.signing import new_secret, write_secret
from app.webhooks.rules.states import MAX_ENDPOINTS, DisabledReason, EndpointStatus
from app.webhooks.secrets import SecretStore

# Both secrets sign for so long after a rotation.
ROTATION_GRACE: Final = timedelta(hours=24)


@dataclass(frozen=True)
class EndpointWish:
    """What an endpoint is to be; None as `event_types`: all, also those that come later."""

    url: str
    event_types: Sequence[EventType] | None
    description: str | None


@dataclass(frozen=True)
class EndpointChanges:
    """What changes of an endpoint: columns with their new values, and whether it is enabled."""

    values: Mapping[str, Any]
    enabled: bool | None


@dataclass(frozen=True)
class EndpointFacts:
    """What may be shown of an endpoint."""

    id: str
    url: str
    event_types: Sequence[str] | None
    description: str | None
    created_at: datetime
    status: str
    disabled_reason: str | None
    disabled_at: datetime | None
    failing_since: datetime | None
    last_sequence: int
    old_secret_until: datetime | None

    @property
    def is_enabled(self) -> bool:
        """Say whether it is told of events."""
        return self.status == EndpointStatus.ENABLED


@dataclass(frozen=True)
class NewSecret:
    """An endpoint with a secret that was just made, `whsec_…`."""

    facts: EndpointFacts
    secret: str


_COLUMNS: Final = (
    WebhookEndpoint.id,
    WebhookEndpoint.url,
    WebhookEndpoint.event_types,
    WebhookEndpoint.description,
    WebhookEndpoint.created_at,
    WebhookEndpoint.status,
    WebhookEndpoint.disabled_reason,
    WebhookEndpoint.disabled_at,
    WebhookEndpoint.failing_since,
    WebhookEndpoint.last_sequence,
    WebhookEndpoint.old_secret_until,
)
# Two requests at once would both find room for one more.
_ONE_AT_A_TIME: Final = text(
    "SELECT pg_advisory_xact_lock(hashtextextended('webhook_endpoints:' || :account_id, 0))"
)


def _facts(row: AnyRow) -> EndpointFacts:
    return EndpointFacts(**row._mapping)


async def create(
    session: AsyncSession,
    *,
    caller: Caller,
    wish: EndpointWish,
    secrets: SecretStore,
    actor: Actor,
    now: datetime,
) -> NewSecret:
    """Make an endpoint in the caller's transaction; it is told of what happens from now on.

    Raises AccessCodeNotFound for a caller that is an inactive code, and TooManyWebhookEndpoints.
    """
    _require_active(caller)
    await session.execute(_ONE_AT_A_TIME, {"account_id": caller.account_id})
    mine = WebhookEndpoint.account_id == caller.account_id
    if (await session.scalars(select(func.count()).where(mine))).one() >= MAX_ENDPOINTS:
        raise TooManyWebhookEndpoints
    secret, endpoint_id = new_secret(), new_id("whe")
    latest = select(func.coalesce(func.max(AccountEvent.sequence), 0)).where(
        AccountEvent.account_id == caller.account_id
    )
    await session.execute(
        insert(WebhookEndpoint).values(
            id=endpoint_id,
            account_id=caller.account_id,
            created_at=now,
            status=EndpointStatus.ENABLED,
            last_sequence=latest.scalar_subquery(),
            secret=secrets.seal(secret),
            url=wish.url,
            event_types=wish.event_types,
            description=wish.description,
        )
    )
    await audit_log.record(
        session, actor=actor, action="webhook_endpoint.create", subject=endpoint_id, at=now
    )
    return NewSecret(await get(session, caller.account_id, endpoint_id), write_secret(secret))


async def stored_secrets(connection: AsyncConnection) -> Sequence[bytes]:
    """Return the secrets that sign for all endpoints, as they are stored."""
    return (await connection.scalars(select(WebhookEndpoint.secret))).all()


async def list_own(
    connection: AsyncConnection,
    account_id: str,
    *,
    cursor: Cursor | None,
    limit: int,
    created: TimeRange = ALL_TIME,
) -> Page[EndpointFacts]:
    """Return one page of the endpoints of an account, newest first."""
    return await page_of(
        connection,
        select(*_COLUMNS).where(WebhookEndpoint.account_id == account_id),
        order=(WebhookEndpoint.created_at, WebhookEndpoint.id),
        cursor=cursor,
        limit=limit,
        read=_facts,
        position=lambda facts: (facts.created_at, facts.id),
        within=created,
    )


async def get(
    connection: AsyncConnection | AsyncSession, account_id: str, endpoint_id: str
) -> EndpointFacts:
    """Return an endpoint of an account. Raises NotFound."""
    if not WEBHOOK_ENDPOINT_ID_PATTERN.fullmatch(endpoint_id):
        raise _not_found()
    row = (await connection.execute(_own(account_id, endpoint_id))).one_or_none()
    if row is None:
        raise _not_found()
    return _facts(row)


async def change(
    session: AsyncSession,
    endpoint_id: str,
    *,
    caller: Caller,
    changes: EndpointChanges,
    actor: Actor,
    now: datetime,
) -> EndpointFacts:
    """Change an endpoint. Raises AccessCodeNotFound and NotFound.

    One that is enabled again goes on where it stopped, now: with what is pending, and with the
    events since.
    """
    _require_active(caller)
    async with session.begin():
        before = await lock(session, caller.account_id, endpoint_id)
        values = dict(changes.values)
        if changes.enabled is not None and changes.enabled is not before.is_enabled:
            values |= enabling() if changes.enabled else disabling(DisabledReason.REQUESTED, now)
        if values:
            await session.execute(
                update(WebhookEndpoint).where(WebhookEndpoint.id == endpoint_id).values(values)
            )
            await audit_log.record(
                session, actor=actor, action="webhook_endpoint.change", subject=endpoint_id, at=now
            )
        if changes.enabled and not before.is_enabled:
            await wake_all(session, endpoint_id, now)
        return await get(session, caller.account_id, endpoint_id)


async def remove(
    session: AsyncSession, endpoint_id: str, *, account_id: str, actor: Actor, now: datetime
) -> EndpointFacts:
    """Delete an endpoint with its deliveries; return it as it was. Raises NotFound."""
    async with session.begin():
        facts = await lock(session, account_id, endpoint_id)
        await session.execute(delete(WebhookEndpoint).where(WebhookEndpoint.id == endpoint_id))
        await audit_log.record(
            session, actor=actor, action="webhook_endpoint.delete", subject=endpoint_id, at=now
        )
    return facts


async def rotate_secret(
    session: AsyncSession,
    endpoint_id: str,
    *,
    caller: Caller,
    secrets: SecretStore,
    actor: Actor,
    now: datetime,
) -> NewSecret:
    """Give an endpoint a new secret in the caller's transaction; the old one signs for a day more.

    One before the old one signs no more. Raises AccessCodeNotFound and NotFound.
    """
    _require_active(caller)
    await lock(session, caller.account_id, endpoint_id)
    secret = new_secret()
    await session.execute(
        update(WebhookEndpoint)
        .where(WebhookEndpoint.id == endpoint_id)
        .values(
            secret=secrets.seal(secret),
            old_secret=WebhookEndpoint.secret,
            old_secret_until=now + ROTATION_GRACE,
        )
    )
    await audit_log.record(
        session, actor=actor, action="webhook_endpoint.rotate", subject=endpoint_id, at=now
    )
    return NewSecret(await get(session, caller.account_id, endpoint_id), write_secret(secret))


async def lock(session: AsyncSession, account_id: str, endpoint_id: str) -> EndpointFacts:
    """Lock an endpoint of an account in the caller's transaction. Raises NotFound."""
    if not WEBHOOK_ENDPOINT_ID_PATTERN.fullmatch(endpoint_id):
        raise _not_found()
    query = _own(account_id, endpoint_id).with_for_update()
    row = (await session.execute(query)).one_or_none()
    if row is None:
        raise _not_found()
    return _facts(row)


def enabling() -> dict[str, Any]:
    """Return the columns of an endpoint that is told again."""
    return {
        "status": EndpointStatus.ENABLED,
        "disabled_reason": None,
        "disabled_at": None,
        "failing_since": None,
    }


def disabling(reason: DisabledReason, now: datetime) -> dict[str, Any]:
    """Return the columns of an endpoint that is told no more."""
    return {"status": EndpointStatus.DISABLED, "disabled_reason": reason, "disabled_at": now}


def _own(account_id: str, endpoint_id: str) -> AnySelect:
    return select(*_COLUMNS).where(
        WebhookEndpoint.id == endpoint_id, WebhookEndpoint.account_id == account_id
    )


def _require_active(caller: Caller) -> None:
    if not caller.active:
        raise AccessCodeNotFound


def _not_found() -> NotFound:
    return NotFound("webhook_endpoint not found")
