"""The same question again: answered with the earlier assessment, for nothing."""

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.assessments.claims import Subject
from app.assessments.payer import SPENDABLE_CODE, Payer
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


def _earlier(accounts: str) -> Statement:
    return Statement(f"""
        WITH payer AS (SELECT accounts.id, accounts.balance {accounts})
        SELECT {COLUMNS_IN_SQL}, payer.balance
        FROM payer JOIN assessments ON assessments.account_id = payer.id
        WHERE assessments.spelling = :spelling
            AND assessments.provider = :provider AND assessments.edition = :edition
            AND assessments.status <> 'failed' AND assessments.created_at > :since
        ORDER BY assessments.created_at DESC""")  # noqa: S608  all of it is ours


_EARLIER_OWN: Final = _earlier("FROM accounts WHERE id = :caller_id")
_EARLIER_OF_CODE: Final = _earlier(SPENDABLE_CODE)


async def read(
    database: Database,
    payer: Payer,
    subject: Subject,
    *,
    provider: str,
    edition: str,
    within: timedelta,
    now: datetime,
) -> DriverRow | None:
    """Return the assessment that `find` would find, and the balance; lock nothing.

    One that is not there yet is for `find`, in the transaction that would debit another.
    """
    if not payer.may_be_known:
        return None
    rows = await database.fetch(
        _EARLIER_OWN if payer.code is None else _EARLIER_OF_CODE,
        **payer.parameters,
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
    answered, by the same provider from the same edition of its data. The caller has locked the
    account, so that of two same questions at once the second finds the first.
    """
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
