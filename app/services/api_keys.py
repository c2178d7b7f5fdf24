"""API keys: made once, stored hashed, found by prefix, revoked at once."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from sqlalchemy import insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from app.db.base import AnyRow
from app.db.engine import Database
from app.domain.actors import Actor
from app.domain.errors import AccessCodeNotFound, NotFound
from app.domain.expiry import require_future
from app.domain.security import KEY_PREFIX_PATTERN, new_api_key
from app.models import AccessCode, ApiKey
from app.services import access_codes, audit_log
from app.services.callers import Caller
from app.services.paging import Cursor, Page, page_of


@dataclass(frozen=True)
class KeyFacts:
    """What may be shown of a key after its creation."""

    prefix: str
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None


@dataclass(frozen=True)
class NewKey:
    """A key at its creation, the only time that `text` is known."""

    text: str
    facts: KeyFacts


_FACTS: Final = (ApiKey.prefix, ApiKey.created_at, ApiKey.expires_at, ApiKey.revoked_at)


def _facts(row: AnyRow) -> KeyFacts:
    return KeyFacts(row.prefix, row.created_at, row.expires_at, row.revoked_at)


async def create_for_caller(
    database: Database,
    *,
    caller: Caller,
    access_code: str | None,
    expires_at: datetime | None,
    actor: Actor,
    now: datetime,
) -> NewKey:
    """Make a key for the caller, or for an access code that it issued.

    Raises AccessCodeNotFound, also for a caller that is an inactive code, and InvalidParameter for
    an expiry in the past.
    """
    if not caller.active:
        raise AccessCodeNotFound
    account_id = caller.account_id
    if access_code is not None:
        async with database.reading() as connection:
            code = await access_codes.facts(
                connection, caller=caller, access_code=access_code, now=now
            )
        account_id = code.account_id
    async with database.sessions() as session:
        return await create(
            session, account_id=account_id, expires_at=expires_at, actor=actor, now=now
        )


async def create(
    session: AsyncSession,
    *,
    account_id: str | None,
    expires_at: datetime | None,
    actor: Actor,
    now: datetime,
) -> NewKey:
    """Make a key for an account, or for none (then it is valid but identifies nobody).

    Raises InvalidParameter for an expiry in the past.
    """
    require_future(expires_at, now)
    key = new_api_key()
    async with session.begin():
        await session.execute(
            insert(ApiKey).values(
                prefix=key.prefix,
                secret_hash=key.secret_hash,
                account_id=account_id,
                created_at=now,
                expires_at=expires_at,
            )
        )
        await audit_log.record(
            session, actor=actor, action="api_key.create", subject=key.prefix, at=now
        )
    return NewKey(key.text, KeyFacts(key.prefix, now, expires_at, None))


async def revoke(
    session: AsyncSession, prefix: str, *, owner: str | None, actor: Actor, now: datetime
) -> KeyFacts:
    """Revoke a key at once; revoking twice keeps the first time.

    `owner` limits it to the keys of an account and of the access codes that it issued; None, the
    operator, reaches every key. Raises NotFound.
    """
    query = select(*_FACTS).where(ApiKey.prefix == prefix)
    if owner is not None:
        issued = select(AccessCode.account_id).where(AccessCode.issuer_id == owner)
        query = query.where(or_(ApiKey.account_id == owner, ApiKey.account_id.in_(issued)))
    if not KEY_PREFIX_PATTERN.fullmatch(prefix):
        raise NotFound("api_key not found")
    async with session.begin():
        row = (await session.execute(query.with_for_update())).one_or_none()
        if row is None:
            raise NotFound("api_key not found")
        key = _facts(row)
        if key.revoked_at is not None:
            return key
        await session.execute(update(ApiKey).where(ApiKey.prefix == prefix).values(revoked_at=now))
        await audit_log.record(
            session, actor=actor, action="api_key.revoke", subject=prefix, at=now
        )
    return replace(key, revoked_at=now)


async def list_own(
    connection: AsyncConnection, account_id: str, *, cursor: Cursor | None, limit: int
) -> Page[KeyFacts]:
    """Return an account's keys, newest first."""
    query = select(*_FACTS).where(ApiKey.account_id == account_id)
    return await page_of(
        connection,
        query,
        order=(ApiKey.created_at, ApiKey.prefix),
        cursor=cursor,
        limit=limit,
        read=_facts,
        position=lambda key: (key.created_at, key.prefix),
    )
