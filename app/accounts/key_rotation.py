"""A new secret for an API key; the old one is good for a grace time more."""

from datetime import datetime, timedelta

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.api_keys import NewKey, reached_by
from app.accounts.authentication import Caller
from app.accounts.errors import AccessCodeNotFound, ApiKeyNotActive, RotationNotAllowed
from app.accounts.key_facts import facts_query, key_facts
from app.accounts.models import ApiKey
from app.accounts.rules.expiry import is_past
from app.ledger import audit_log
from app.ledger.actors import Actor
from app.runtime.errors import NotFound
from app.runtime.security import KEY_PREFIX_PATTERN, new_api_key


async def rotate(
    session: AsyncSession,
    prefix: str,
    *,
    caller: Caller,
    grace: timedelta,
    actor: Actor,
    now: datetime,
) -> NewKey:
    """Give a key a new secret in the caller's transaction; the old one is good for `grace` more.

    One before the old one is good no more. A key rotates itself and those that it made. Raises
    AccessCodeNotFound for a caller that is an inactive code, NotFound, RotationNotAllowed and
    ApiKeyNotActive.
    """
    if not caller.active:
        raise AccessCodeNotFound
    query = facts_query().where(ApiKey.prefix == prefix, reached_by(caller.account_id))
    if not KEY_PREFIX_PATTERN.fullmatch(prefix):
        raise NotFound("api_key not found")
    row = (await session.execute(query.with_for_update(of=ApiKey))).one_or_none()
    if row is None:
        raise NotFound("api_key not found")
    if caller.api_key is not None and not await _is_made_by(session, prefix, caller.api_key):
        raise RotationNotAllowed
    if row.revoked_at is not None or is_past(row.expires_at, now):
        raise ApiKeyNotActive
    key = new_api_key(prefix)
    await session.execute(
        update(ApiKey)
        .where(ApiKey.prefix == prefix)
        .values(
            secret_hash=key.secret_hash,
            old_secret_hash=ApiKey.secret_hash,
            old_secret_until=now + grace,
        )
    )
    await audit_log.record(session, actor=actor, action="api_key.rotate", subject=prefix, at=now)
    return NewKey(key.text, key_facts((await session.execute(query)).one()))


async def _is_made_by(session: AsyncSession, prefix: str, maker: str) -> bool:
    """Say whether a key is another, or was made by it, or by one that it made."""
    line = select(ApiKey.prefix, ApiKey.parent_prefix).where(ApiKey.prefix == prefix)
    above = line.cte(recursive=True)
    above = above.union(
        select(ApiKey.prefix, ApiKey.parent_prefix).join(
            above, ApiKey.prefix == above.c.parent_prefix
        )
    )
    found = await session.scalar(select(above.c.prefix).where(above.c.prefix == maker))
    return found is not None
