"""The same question again: answered with the earlier assessment, for nothing."""

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.assessments.claims import Subject
from app.assessments.rules.questions import AssessmentType
from app.assessments.views import COLUMNS_IN_SQL
from app.runtime.db.direct import DriverRow, Statement
from app.runtime.db.engine import Database

_SAME: Final = text(
    """SELECT id, assessment_type, address, currency, tx_hash, as_of FROM assessments
    WHERE account_id = :account_id AND spelling = ANY(:spellings) AND provider = :provider
        AND edition = :edition AND status <> 'failed' AND created_at > :since
    ORDER BY created_at"""
)
# In one order, so that no two lock each other out.
_LOCK: Final = text(
    """SELECT pg_advisory_xact_lock(hash) FROM (
        SELECT hashtextextended(word, 0) AS hash FROM unnest(CAST(:words AS text[])) word ORDER BY 1
    ) hashes"""
)
_EARLIER: Final = Statement(
    f"""SELECT {COLUMNS_IN_SQL}, accounts.balance
    FROM assessments JOIN accounts ON accounts.id = assessments.account_id
    WHERE assessments.account_id = :account_id AND assessments.spelling = :spelling
        AND assessments.provider = :provider AND assessments.edition = :edition
        AND assessments.status <> 'failed' AND assessments.created_at > :since
    ORDER BY assessments.created_at DESC"""  # noqa: S608  all of it is ours
)


async def read(
    database: Database,
    subject: Subject,
    *,
    account_id: str,
    provider: str,
    edition: str,
    within: timedelta,
    now: datetime,
) -> DriverRow | None:
    """Return the assessment that `find` would find, and the balance; lock nothing.

    One that is not there yet is for `find`, in the transaction that would debit another.
    """
    rows = await database.fetch(
        _EARLIER,
        account_id=account_id,
        spelling=subject.spelling,
        provider=provider,
        edition=edition,
        since=now - within,
    )
    return next((row for row in rows if _subject(row).same == subject.same), None)


async def find(
    session: AsyncSession,
    subjects: Collection[Subject],
    *,
    account_id: str,
    provider: str,
    edition: str,
    within: timedelta,
    now: datetime,
) -> dict[Subject, str]:
    """Return the assessments by which the account asked the same before, those that there are.

    One counts when it is at most `within` old, has not failed, and was answered, or is being
    answered, by the same provider from the same edition of its data. Until the caller's transaction
    ends, nobody else asks these questions for this account: of two at once, the second finds the
    first.
    """
    await _lock(session, account_id, subjects)
    rows = await session.execute(
        _SAME,
        {
            "account_id": account_id,
            "spellings": list({subject.spelling for subject in subjects}),
            "provider": provider,
            "edition": edition,
            "since": now - within,
        },
    )
    earlier = {_subject(row).same: row["id"] for row in rows.mappings()}
    return {subject: earlier[subject.same] for subject in subjects if subject.same in earlier}


def _subject(row: Mapping[Any, Any]) -> Subject:
    return Subject(
        AssessmentType(row["assessment_type"]),
        row["address"],
        row["currency"],
        row["tx_hash"],
        row["as_of"],
    )


async def _lock(session: AsyncSession, account_id: str, subjects: Collection[Subject]) -> None:
    """Lock the questions of an account, in one order, so that no two lock each other out."""
    words = {"\n".join((account_id, *map(str, subject.same))) for subject in subjects}
    await session.execute(_LOCK, {"words": sorted(words)})
