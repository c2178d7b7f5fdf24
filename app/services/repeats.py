"""The same question again: answered with the earlier assessment, for nothing."""

from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.domain.assessments import AssessmentStatus
from app.models import Assessment
from app.providers.base import RiskProvider
from app.services.asking import Subject


async def find(
    session: AsyncSession,
    *,
    account_id: str,
    subject: Subject,
    provider: RiskProvider,
    within: timedelta,
    now: datetime,
) -> str | None:
    """Return the assessment by which the account asked the same before; None: it did not.

    It counts when it is at most `within` old, has not failed, and was answered, or is being
    answered, by the same provider from the same edition of its data. Until the caller's transaction
    ends, nobody else asks this question for this account: of two at once, the second finds the
    first.
    """
    question = "\n".join((account_id, *_as_words(subject), provider.name))
    await session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(question, 0))))
    found: str | None = await session.scalar(
        select(Assessment.id)
        .where(
            Assessment.account_id == account_id,
            Assessment.address == subject.address,
            Assessment.assessment_type == subject.assessment_type,
            func.upper(Assessment.currency) == subject.currency.upper(),
            Assessment.tx_hash.is_not_distinct_from(subject.tx_hash),
            Assessment.provider == provider.name,
            Assessment.edition == provider.edition,
            Assessment.status != AssessmentStatus.FAILED,
            Assessment.created_at > now - within,
        )
        .order_by(Assessment.created_at.desc())
        .limit(1)
    )
    return found


def _as_words(subject: Subject) -> tuple[str, ...]:
    return (
        subject.assessment_type,
        subject.address,
        subject.currency.upper(),
        subject.tx_hash or "",
    )
