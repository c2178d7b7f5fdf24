"""Receipts: the signed form of an answer, and the public keys that such forms are checked with.

A receipt is not stored: it is signed whenever it is asked for. A finished answer never changes and
Ed25519 needs no randomness, so one key gives one file; and a key that has leaked is replaced by
replacing it, after which every old answer is signed by the new one.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import exists, func, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from app.accounts.authentication import Caller
from app.accounts.models import AccessCode
from app.assessments.change_history import CHANGES
from app.assessments.errors import AssessmentNotReady
from app.assessments.models import Assessment, ReceiptKey
from app.assessments.rules.questions import AssessmentStatus
from app.assessments.rules.receipts import FinishedAssessment, SigningKey, content_of, signed
from app.runtime.db.engine import Database
from app.runtime.errors import NotFound
from app.runtime.security import ASSESSMENT_ID_PATTERN

ABSENT: Final = "assessment_id not found"
NOT_SIGNED: Final = "This server signs no receipts"
_COLUMNS: Final = (
    Assessment.id,
    Assessment.status,
    Assessment.assessment_type,
    Assessment.address,
    Assessment.currency,
    Assessment.tx_hash,
    Assessment.as_of,
    Assessment.provider,
    Assessment.answer,
    Assessment.created_at,
    func.coalesce(Assessment.answered_at, Assessment.updated_at).label("answered_at"),
    CHANGES,
)


@dataclass(frozen=True)
class PublishedKey:
    """A public key of receipts.

    It signed from `since`, None before its first receipt, until the next one did, if one has.
    """

    key_id: str
    public_key: bytes
    since: datetime | None
    until: datetime | None


async def finished(database: Database, *, caller: Caller, assessment_id: str) -> FinishedAssessment:
    """Return an assessment of the caller, or of an access code that it issued, with its answer.

    Raises NotFound and AssessmentNotReady.
    """
    if not ASSESSMENT_ID_PATTERN.fullmatch(assessment_id):
        raise NotFound(ABSENT)
    issued = select(AccessCode.account_id).where(AccessCode.issuer_id == caller.account_id)
    statement = select(*_COLUMNS).where(
        Assessment.id == assessment_id,
        or_(Assessment.account_id == caller.account_id, Assessment.account_id.in_(issued)),
    )
    async with database.reading() as connection:
        row = (await connection.execute(statement)).one_or_none()
    if row is None:
        raise NotFound(ABSENT)
    if row.status != AssessmentStatus.READY or row.answer is None:
        raise AssessmentNotReady(row.status)
    return FinishedAssessment(
        id=row.id,
        assessment_type=row.assessment_type,
        address=row.address,
        currency=row.currency,
        tx_hash=row.tx_hash,
        as_of=row.as_of,
        provider=row.provider,
        answer=row.answer,
        asked_at=row.created_at,
        answered_at=row.answered_at,
        changes=row.changes,
    )


async def sign(
    database: Database, key: SigningKey, assessment: FinishedAssessment, now: datetime
) -> bytes:
    """Return the receipt of an assessment, by a key that is published before anybody sees it."""
    async with database.reading() as connection:
        published = await connection.scalar(select(exists().where(ReceiptKey.id == key.key_id)))
    if not published:
        await _publish(database, key, now)
    return signed(content_of(assessment), key)


async def published_keys(connection: AsyncConnection, key: SigningKey | None) -> list[PublishedKey]:
    """Return every key that receipts were signed by, the newest first; `key` is one of them."""
    newest_first = select(ReceiptKey.id, ReceiptKey.public_key, ReceiptKey.since).order_by(
        ReceiptKey.since.desc(), ReceiptKey.id
    )
    found = (await connection.execute(newest_first)).all()
    ends = [None, *(stored.since for stored in found)]
    keys = [
        PublishedKey(stored.id, stored.public_key, stored.since, until)
        for stored, until in zip(found, ends, strict=False)
    ]
    if key is not None and key.key_id not in {stored.id for stored in found}:
        keys.insert(0, PublishedKey(key.key_id, key.public_key, since=None, until=None))
    return keys


async def _publish(database: Database, key: SigningKey, now: datetime) -> None:
    """Keep a public key for good; several processes may do it at once."""
    async with database.sessions() as session, session.begin():
        await session.execute(
            insert(ReceiptKey)
            .values(id=key.key_id, public_key=key.public_key, since=now)
            .on_conflict_do_nothing()
        )
