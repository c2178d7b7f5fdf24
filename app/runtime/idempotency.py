"""Idempotency keys: one piece of work per key, whose first 2xx answer is repeated for 24 hours.

The key is claimed first, in the transaction of the work: both are committed, or neither. So a key
whose holder died is free again, and of work that failed nothing remains. Work that asks a partner
commits before its answer is known: then the key is tied to the assessment meanwhile.
"""

import hashlib
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any, Final, Literal

from sqlalchemy import ColumnElement, and_, delete, func, select, text, tuple_, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from app.runtime.db.engine import LOCK_TIMEOUT
from app.runtime.db.failures import context_of, is_lock_timeout
from app.runtime.errors import IdempotencyKeyInFlight, IdempotencyKeyReused
from app.runtime.models import IdempotencyKey

KEPT: Final = timedelta(hours=24)
# Whoever inserts the same key is waited for no longer: it answers, or is told to come again.
KEY_LOCK_TIMEOUT: Final = "100ms"
# A round of the sweep takes no more, so that it stays far below the statement timeout.
REAPED_AT_ONCE: Final = 1000
_PRIMARY_KEY: Final = (IdempotencyKey.account_id, IdempotencyKey.endpoint, IdempotencyKey.key)


@dataclass(frozen=True)
class RequestKey:
    """An Idempotency-Key as one account sent it to one endpoint.

    `request_hash` is of what the request says; `bound_to` names that: its body, the order in its
    path, or both path and body, the whole request.
    """

    account_id: str
    endpoint: str
    key: str
    request_hash: bytes
    bound_to: Literal["body", "order", "request"] = "body"


@dataclass(frozen=True)
class KeptAnswer:
    """An answer that is kept; `replayed` when an earlier request was given it, too."""

    status: int
    body: bytes
    replayed: bool


@dataclass(frozen=True)
class PriorRequest:
    """What an earlier request left under a key: its answer, or the assessments it asked for."""

    answer: KeptAnswer | None
    assessment_id: str | None
    batch: dict[str, Any] | None


def is_in_flight(fault: BaseException) -> bool:
    """Say whether a statement waited in vain for another that inserts the same key."""
    return is_lock_timeout(fault) and IdempotencyKey.__tablename__ in context_of(fault)


def hash_of(body: Mapping[str, Any]) -> bytes:
    """Return the SHA-256 of the canonical JSON of a parsed body: keys sorted, no blanks, UTF-8."""
    canonical = json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(canonical.encode()).digest()


async def once(
    session: AsyncSession,
    key: RequestKey | None,
    now: datetime,
    work: Callable[[], Awaitable[bytes]],
    *,
    status: HTTPStatus,
) -> KeptAnswer:
    """Do work in a transaction of `session`, unless the key has an answer; return that, or its own.

    Key, work and answer are of one transaction; without a key the work is done. Raises what the
    work raises, IdempotencyKeyInFlight and IdempotencyKeyReused.
    """
    async with session.begin():
        if key is None:
            return KeptAnswer(status, await work(), replayed=False)
        earlier = await claim(session, key, now)
        if earlier is None:
            return await keep(session, key, await work(), status=status)
    if earlier.answer is None:
        raise IdempotencyKeyInFlight
    return earlier.answer


async def claim(session: AsyncSession, key: RequestKey, now: datetime) -> PriorRequest | None:
    """Take a key as the first statement of a transaction; None: it is free, do the work.

    Raises IdempotencyKeyInFlight when another transaction holds it, and IdempotencyKeyReused when
    it came with another body or order.
    """
    if await _insert(session, key, now):
        return None
    earlier = await find(session, key)
    if earlier is None:  # it was released or reaped this very moment
        raise IdempotencyKeyInFlight
    return earlier


async def find(connection: AsyncConnection | AsyncSession, key: RequestKey) -> PriorRequest | None:
    """Return what an earlier request left under a key; None: it is free, as far as one can see.

    Raises IdempotencyKeyReused when it came with another body or order.
    """
    found = await connection.execute(
        select(
            IdempotencyKey.request_hash,
            IdempotencyKey.status,
            IdempotencyKey.body,
            IdempotencyKey.assessment_id,
            IdempotencyKey.batch,
        ).where(_is(key))
    )
    row = found.one_or_none()
    if row is None:
        return None
    answer = answer_in(key, row.request_hash, row.status, row.body)
    return PriorRequest(answer, row.assessment_id, row.batch)


def answer_in(
    key: RequestKey, request_hash: bytes, status: int | None, body: bytes | None
) -> KeptAnswer | None:
    """Return the answer that a row under the key has; None: not yet. Raises IdempotencyKeyReused."""
    if request_hash != key.request_hash:
        raise IdempotencyKeyReused(key.bound_to)
    if status is None or body is None:
        return None
    return KeptAnswer(status, body, replayed=True)


async def _insert(session: AsyncSession, key: RequestKey, now: datetime) -> bool:
    """Insert a key; say whether it was not there. Waits 100 ms for who inserts it, too."""
    await session.execute(text(f"SET LOCAL lock_timeout = '{KEY_LOCK_TIMEOUT}'"))
    try:
        inserted = await session.scalar(
            insert(IdempotencyKey)
            .values(
                account_id=key.account_id,
                endpoint=key.endpoint,
                key=key.key,
                request_hash=key.request_hash,
                created_at=now,
            )
            .on_conflict_do_nothing(index_elements=_PRIMARY_KEY)
            .returning(IdempotencyKey.key)
        )
    except DBAPIError as error:
        if is_lock_timeout(error):
            raise IdempotencyKeyInFlight from error
        raise
    await session.execute(text(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'"))
    return inserted is not None


async def tie(session: AsyncSession, key: RequestKey, assessment_id: str) -> None:
    """Let a claimed key stand for an assessment, in the transaction that debits it."""
    await session.execute(
        update(IdempotencyKey).where(_is(key)).values(assessment_id=assessment_id)
    )


async def tie_batch(session: AsyncSession, key: RequestKey, batch: dict[str, Any]) -> None:
    """Let a claimed key stand for many assessments, in the transaction that debits them."""
    await session.execute(update(IdempotencyKey).where(_is(key)).values(batch=batch))


async def keep(
    session: AsyncSession, key: RequestKey, body: bytes, *, status: HTTPStatus = HTTPStatus.CREATED
) -> KeptAnswer:
    """Keep an answer under a key, unless it has one; return the one that it has now.

    Raises IdempotencyKeyInFlight when the key is gone: its assessment has failed meanwhile.
    """
    kept = await session.execute(
        update(IdempotencyKey)
        .where(_is(key))
        .values(
            status=func.coalesce(IdempotencyKey.status, status.value),
            body=func.coalesce(IdempotencyKey.body, body),
        )
        .returning(IdempotencyKey.status, IdempotencyKey.body)
    )
    row = kept.one_or_none()
    if row is None:
        raise IdempotencyKeyInFlight
    return KeptAnswer(row.status, row.body, replayed=row.body != body)


async def release(session: AsyncSession, assessment_id: str) -> None:
    """Free the key of an assessment that has failed, in the transaction of its refund.

    One under which a 201 was already given stays: that answer is repeated.
    """
    await session.execute(
        delete(IdempotencyKey).where(
            IdempotencyKey.assessment_id == assessment_id, IdempotencyKey.body.is_(None)
        )
    )


async def delete_expired(session: AsyncSession, now: datetime) -> bool:
    """Delete keys that are over, at most REAPED_AT_ONCE; say whether there may be more."""
    over = (
        select(*_PRIMARY_KEY)
        .where(IdempotencyKey.created_at <= now - KEPT)
        .limit(REAPED_AT_ONCE)
        .with_for_update(skip_locked=True)
    )
    async with session.begin():
        reaped = await session.scalars(
            delete(IdempotencyKey)
            .where(tuple_(*_PRIMARY_KEY).in_(over))
            .returning(IdempotencyKey.account_id)
        )
        return len(reaped.all()) == REAPED_AT_ONCE


def _is(key: RequestKey) -> ColumnElement[bool]:
    return and_(
        IdempotencyKey.account_id == key.account_id,
        IdempotencyKey.endpoint == key.endpoint,
        IdempotencyKey.key == key.key,
    )
