"""API keys: made once, stored hashed, found by prefix, revoked at once with what they made."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, insert, or_, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from app.accounts import access_codes
from app.accounts.authentication import Caller
from app.accounts.errors import AccessCodeNotFound, InvalidApiKey
from app.accounts.key_facts import KeyFacts, facts_query, key_facts
from app.accounts.models import AccessCode, ApiKey, User
from app.accounts.publish import publish_keys
from app.accounts.rules.expiry import is_past, require_future
from app.accounts.rules.key_limits import UNLIMITED, KeyLimits, limits_below
from app.events.types import EventType
from app.ledger import audit_log
from app.ledger.actors import Actor
from app.runtime.errors import InvalidParameter, NotFound
from app.runtime.paging import ALL_TIME, Cursor, Page, TimeRange, page_of
from app.runtime.security import KEY_PREFIX_PATTERN, new_api_key


@dataclass(frozen=True)
class KeyWish:
    """What a new key is to be: its name, when it expires, and what it may do."""

    name: str | None = None
    expires_at: datetime | None = None
    limits: KeyLimits = UNLIMITED


@dataclass(frozen=True)
class NewKey:
    """A key at its creation, the only time that `text` is known."""

    text: str
    facts: KeyFacts


@dataclass(frozen=True)
class ListedKey:
    """A key as an operator sees it: whose it is, and the prefix of the key that made it."""

    prefix: str
    name: str | None
    user: str | None
    access_code: str | None
    made_by: str | None
    scopes: list[str] | None
    read_only: bool
    ip_allow_list: list[str] | None
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None


async def create_for_caller(
    session: AsyncSession,
    *,
    caller: Caller,
    access_code: str | None,
    wish: KeyWish,
    actor: Actor,
    now: datetime,
) -> NewKey:
    """Make a key for the caller, or for an access code that it issued, in its transaction.

    Raises AccessCodeNotFound, also for a caller that is an inactive code, and what `create` raises.
    """
    if not caller.active:
        raise AccessCodeNotFound
    account_id = caller.account_id
    if access_code is not None:
        code = await access_codes.facts(session, caller=caller, access_code=access_code, now=now)
        account_id = code.account_id
    return await create(session, account_id=account_id, wish=wish, actor=actor, now=now)


async def create(
    session: AsyncSession,
    *,
    account_id: str | None,
    wish: KeyWish,
    actor: Actor,
    now: datetime,
) -> NewKey:
    """Make a key for an account, or for none (then it is valid but identifies nobody).

    In the caller's transaction. A key that acts here makes none that outlives it or may do more:
    where nothing is wished, the new one gets its own. Raises InvalidParameter for an expiry in the
    past or after that, and for networks beyond its own; MissingScope for a scope that it lacks;
    InvalidApiKey if it was revoked meanwhile.
    """
    require_future(wish.expires_at, now)
    key = new_api_key()
    if actor.api_key is not None:
        wish = await _below(session, actor.api_key, wish, now)
    await session.execute(
        insert(ApiKey).values(
            prefix=key.prefix,
            secret_hash=key.secret_hash,
            account_id=account_id,
            created_at=now,
            expires_at=wish.expires_at,
            parent_prefix=actor.api_key,
            name=wish.name,
            scopes=wish.limits.scopes,
            read_only=wish.limits.read_only,
            ip_allow_list=wish.limits.ip_allow_list,
        )
    )
    await audit_log.record(
        session, actor=actor, action="api_key.create", subject=key.prefix, at=now
    )
    made = await session.execute(facts_query().where(ApiKey.prefix == key.prefix))
    facts = key_facts(made.one())
    await publish_keys(session, EventType.KEY_CREATED, [facts], now)
    return NewKey(key.text, facts)


async def _below(session: AsyncSession, parent: str, wish: KeyWish, now: datetime) -> KeyWish:
    """Lock a key against its revocation, and return what one that it makes is to be."""
    await session.execute(text("LOCK TABLE api_keys IN ROW EXCLUSIVE MODE"))
    row = (await session.execute(facts_query().where(ApiKey.prefix == parent))).one()
    if row.revoked_at is not None or is_past(row.expires_at, now):
        raise InvalidApiKey
    own = key_facts(row)
    return KeyWish(
        wish.name,
        _expiry_below(own.expires_at, wish.expires_at),
        limits_below(own.limits, wish.limits),
    )


def _expiry_below(own: datetime | None, wished: datetime | None) -> datetime | None:
    if own is None or wished is None:
        return wished or own
    if wished > own:
        raise InvalidParameter("expires_at", "no later than that of the API key that makes it")
    return wished


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
    query = facts_query().where(ApiKey.prefix == prefix)
    if owner is not None:
        query = query.where(reached_by(owner))
    if not KEY_PREFIX_PATTERN.fullmatch(prefix):
        raise NotFound("api_key not found")
    async with session.begin():
        if (await session.execute(query)).one_or_none() is None:
            raise NotFound("api_key not found")
        await _revoke(session, ApiKey.prefix == prefix, keep_children, actor, now)
        return key_facts((await session.execute(query)).one())


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
    if prefixes:
        rows = await session.execute(
            facts_query().where(ApiKey.prefix.in_(prefixes)).order_by(ApiKey.prefix)
        )
        await publish_keys(session, EventType.KEY_REVOKED, [key_facts(row) for row in rows], now)
    return prefixes


def reached_by(owner: str) -> ColumnElement[bool]:
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
            ApiKey.name,
            User.email.label("user"),
            AccessCode.access_code,
            ApiKey.parent_prefix.label("made_by"),
            ApiKey.scopes,
            ApiKey.read_only,
            ApiKey.ip_allow_list,
            ApiKey.created_at,
            ApiKey.expires_at,
            ApiKey.revoked_at,
            ApiKey.last_used_at,
        )
        .outerjoin(User, User.account_id == ApiKey.account_id)
        .outerjoin(AccessCode, AccessCode.account_id == ApiKey.account_id)
        .order_by(ApiKey.created_at.desc(), ApiKey.prefix.desc())
        .limit(limit)
    )
    if owner is not None:
        query = query.where(reached_by(owner))
    if unbound:
        query = query.where(ApiKey.account_id.is_(None))
    rows = await connection.execute(query)
    return [ListedKey(**row) for row in rows.mappings()]


async def list_own(
    connection: AsyncConnection,
    account_id: str,
    *,
    cursor: Cursor | None,
    limit: int,
    created: TimeRange = ALL_TIME,
) -> Page[KeyFacts]:
    """Return an account's keys, newest first."""
    query = facts_query().where(ApiKey.account_id == account_id)
    return await page_of(
        connection,
        query,
        order=(ApiKey.created_at, ApiKey.prefix),
        cursor=cursor,
        limit=limit,
        read=key_facts,
        position=lambda key: (key.created_at, key.prefix),
        within=created,
    )
