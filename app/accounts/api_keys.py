"""API keys: made once, stored hashed, found by prefix, revoked at once with what they made."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import ColumnElement, insert, or_, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from app.accounts import access_codes
from app.accounts.authentication import Caller
from app.accounts.errors import AccessCodeNotFound, InvalidApiKey
from app.accounts.models import AccessCode, ApiKey, User
from app.accounts.rules.expiry import is_past, require_future
from app.ledger import audit_log
from app.ledger.actors import Actor
from app.runtime.db.base import AnyRow
from app.runtime.errors import InvalidParameter, NotFound
from app.runtime.paging import Cursor, Page, page_of
from app.runtime.security import KEY_PREFIX_PATTERN, new_api_key


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


@dataclass(frozen=True)
class ListedKey:
    """A key as an operator sees it: whose it is, and the prefix of the key that made it."""

    prefix: str
    user: str | None
    access_code: str | None
    made_by: str | None
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None


_FACTS: Final = (ApiKey.prefix, ApiKey.created_at, ApiKey.expires_at, ApiKey.revoked_at)


def _facts(row: AnyRow) -> KeyFacts:
    return KeyFacts(row.prefix, row.created_at, row.expires_at, row.revoked_at)


async def create_for_caller(
    session: AsyncSession,
    *,
    caller: Caller,
    access_code: str | None,
    expires_at: datetime | None,
    actor: Actor,
    now: datetime,
) -> NewKey:
    """Make a key for the caller, or for an access code that it issued, in its transaction.

    Raises AccessCodeNotFound, also for a caller that is an inactive code, and InvalidParameter for
    an expiry in the past.
    """
    if not caller.active:
        raise AccessCodeNotFound
    account_id = caller.account_id
    if access_code is not None:
        code = await access_codes.facts(session, caller=caller, access_code=access_code, now=now)
        account_id = code.account_id
    return await create(session, account_id=account_id, expires_at=expires_at, actor=actor, now=now)


async def create(
    session: AsyncSession,
    *,
    account_id: str | None,
    expires_at: datetime | None,
    actor: Actor,
    now: datetime,
) -> NewKey:
    """Make a key for an account, or for none (then it is valid but identifies nobody).

    In the caller's transaction. A key that acts here makes none that outlives it: without an
    expiry, the new one gets its own. Raises InvalidParameter for an expiry in the past or after
    that, and InvalidApiKey if it was revoked meanwhile.
    """
    require_future(expires_at, now)
    key = new_api_key()
    if actor.api_key is not None:
        expires_at = await _expiry_below(session, actor.api_key, expires_at, now)
    await session.execute(
        insert(ApiKey).values(
            prefix=key.prefix,
            secret_hash=key.secret_hash,
            account_id=account_id,
            created_at=now,
            expires_at=expires_at,
            parent_prefix=actor.api_key,
        )
    )
    await audit_log.record(
        session, actor=actor, action="api_key.create", subject=key.prefix, at=now
    )
    return NewKey(key.text, KeyFacts(key.prefix, now, expires_at, None))


async def _expiry_below(
    session: AsyncSession, parent: str, expires_at: datetime | None, now: datetime
) -> datetime | None:
    """Lock a key against its revocation, and return when one that it makes expires."""
    await session.execute(text("LOCK TABLE api_keys IN ROW EXCLUSIVE MODE"))
    row = (
        await session.execute(
            select(ApiKey.expires_at, ApiKey.revoked_at).where(ApiKey.prefix == parent)
        )
    ).one()
    if row.revoked_at is not None or is_past(row.expires_at, now):
        raise InvalidApiKey
    if row.expires_at is None or expires_at is None:
        return expires_at or row.expires_at
    if expires_at > row.expires_at:
        raise InvalidParameter("expires_at", "no later than that of the API key that makes it")
    return expires_at


async def revoke(
    session: AsyncSession,
    prefix: str,
    *,
    owner: str | None,
    keep_children: bool = False,
    actor: Actor,
    now: datetime,
) -> KeyFacts:
    """Revoke a key at once, and the keys that it made, and those that they made.

    Revoking twice keeps the first time. `owner` limits it to the keys of an account and of the
    access codes that it issued; None, the operator, reaches every key. Raises NotFound.
    """
    query = select(*_FACTS).where(ApiKey.prefix == prefix)
    if owner is not None:
        query = query.where(_reached_by(owner))
    if not KEY_PREFIX_PATTERN.fullmatch(prefix):
        raise NotFound("api_key not found")
    async with session.begin():
        if (await session.execute(query)).one_or_none() is None:
            raise NotFound("api_key not found")
        await _revoke(session, ApiKey.prefix == prefix, keep_children, actor, now)
        return _facts((await session.execute(query)).one())


async def revoke_all_of(
    session: AsyncSession, account_id: str, *, keep_children: bool, actor: Actor, now: datetime
) -> list[str]:
    """Revoke every key of an account, and what they made; return the prefixes of those revoked."""
    async with session.begin():
        whose = ApiKey.account_id == account_id
        return await _revoke(session, whose, keep_children, actor, now)


async def _revoke(
    session: AsyncSession,
    which: ColumnElement[bool],
    keep_children: bool,
    actor: Actor,
    now: datetime,
) -> list[str]:
    """Revoke keys that are not revoked yet; return their prefixes. Waits until no key is made."""
    await session.execute(text("LOCK TABLE api_keys IN SHARE ROW EXCLUSIVE MODE"))
    tree = select(ApiKey.prefix).where(which).cte(recursive=True)
    if not keep_children:  # also below one that was revoked before
        tree = tree.union(select(ApiKey.prefix).join(tree, ApiKey.parent_prefix == tree.c.prefix))
    revoked = await session.scalars(
        update(ApiKey)
        .where(ApiKey.prefix.in_(select(tree.c.prefix)), ApiKey.revoked_at.is_(None))
        .values(revoked_at=now)
        .returning(ApiKey.prefix)
        .execution_options(synchronize_session=False)
    )
    prefixes = sorted(revoked)
    await audit_log.record_subjects(session, prefixes, actor=actor, action="api_key.revoke", at=now)
    return prefixes


def _reached_by(owner: str) -> ColumnElement[bool]:
    """Limit keys to those of an account and of the access codes that it issued."""
    issued = select(AccessCode.account_id).where(AccessCode.issuer_id == owner)
    return or_(ApiKey.account_id == owner, ApiKey.account_id.in_(issued))


async def list_all(
    connection: AsyncConnection, *, owner: str | None, unbound: bool, limit: int
) -> list[ListedKey]:
    """Return keys, newest first: an account's and its codes', those of nobody, or all."""
    query = (
        select(
            ApiKey.prefix,
            User.email.label("user"),
            AccessCode.access_code,
            ApiKey.parent_prefix.label("made_by"),
            ApiKey.created_at,
            ApiKey.expires_at,
            ApiKey.revoked_at,
        )
        .outerjoin(User, User.account_id == ApiKey.account_id)
        .outerjoin(AccessCode, AccessCode.account_id == ApiKey.account_id)
        .order_by(ApiKey.created_at.desc(), ApiKey.prefix.desc())
        .limit(limit)
    )
    if owner is not None:
        query = query.where(_reached_by(owner))
    if unbound:
        query = query.where(ApiKey.account_id.is_(None))
    rows = await connection.execute(query)
    return [ListedKey(**row) for row in rows.mappings()]


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
