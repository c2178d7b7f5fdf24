"""Questions under a lease: reserved with their credit, claimed again, handed over.

Nothing is open while a provider is asked: *reserve* or *claim* (a short transaction), *ask*, and
then *settle* (`assessment_outcomes.py`; the row again, if the lease still holds). Whatever dies in
between is claimed by the worker when the lease is over.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.addresses import one_ticker, one_transaction
from app.addresses.spelling import SPELLING_RULES, canonicalize
from app.assessments import jobs
from app.assessments import progress as assessment_progress
from app.assessments.context import AssessmentContext
from app.assessments.models import Assessment
from app.assessments.progress import ByProvider, Progress
from app.assessments.providers.base import Question
from app.assessments.rules.questions import AssessmentStatus, AssessmentType
from app.ledger import service
from app.ledger.actors import Actor
from app.runtime import leases
from app.runtime.db.engine import Database
from app.runtime.labels import NO_LABELS, Labels
from app.runtime.security import new_id

# A request waits this long for its providers; then the answer is 201 `pending`.
PROVIDER_DEADLINE_SECONDS: Final = 8.0
LEASE: Final = timedelta(seconds=PROVIDER_DEADLINE_SECONDS + 4)


_RESERVE: Final = insert(Assessment).values(lease_until=leases.lasting(LEASE))


@dataclass(frozen=True)
class Subject:
    """What is to be assessed, as of a day in UTC or, without one, as of now.

    `labels` is what the caller calls it, and no part of the question.
    """

    assessment_type: AssessmentType
    address: str
    currency: str
    tx_hash: str | None
    as_of: date | None = None
    labels: Labels = field(default=NO_LABELS, compare=False)

    @property
    def asked(self) -> dict[str, Any]:
        """What the question itself is, by the names of its columns."""
        return {
            "assessment_type": self.assessment_type,
            "address": self.address,
            "currency": self.currency,
            "tx_hash": self.tx_hash,
            "as_of": self.as_of,
        }

    @property
    def same(self) -> tuple[str, ...]:
        """What two questions share that are the same one."""
        day = self.as_of.isoformat() if self.as_of else ""
        return (
            self.assessment_type,
            self.spelling,
            one_ticker(self.currency),
            self._transaction,
            day,
        )

    @property
    def spelling(self) -> str:
        """What all spellings of the address share."""
        return canonicalize(self.address)

    @property
    def _transaction(self) -> str:
        if self.tx_hash is None:
            return ""
        return one_transaction(self.currency, self.address, self.tx_hash)


@dataclass(frozen=True)
class LeasedAssessment:
    """A question whose credit is reserved, under a lease, and how far each provider is with it.

    `last_tried_at` is when it was last asked or left open before, or else when it was created.
    """

    question: Question
    account_id: str
    provider: str
    labels: Labels
    lease_token: str
    attempts: int
    created_at: datetime
    last_tried_at: datetime
    progress: ByProvider


async def reserve(
    session: AsyncSession,
    context: AssessmentContext,
    *,
    edition: str,
    account_id: str,
    subjects: Sequence[Subject],
    actor: Actor,
) -> list[LeasedAssessment]:
    """Debit one credit for each question and keep them, all or none.

    That their providers are asked once is written down before they are. `edition` is that of the
    ensemble. The caller has begun the transaction. Raises InsufficientCredits.
    """
    now = context.clock.now()
    reserved = [begun(context, account_id, subject, now) for subject in subjects]
    connection = await session.connection()
    await connection.execute(
        _RESERVE,
        [
            row_of(one, subject, provider=context.ensemble.name, edition=edition, now=now)
            for one, subject in zip(reserved, subjects, strict=True)
        ],
    )
    ids = [one.question.assessment_id for one in reserved]
    await service.debit_assessments(
        session, account_id=account_id, assessment_ids=ids, actor=actor, at=now
    )
    return reserved


def begun(
    context: AssessmentContext, account_id: str, subject: Subject, now: datetime
) -> LeasedAssessment:
    """Return a new question whose providers are about to be asked."""
    return LeasedAssessment(
        Question(assessment_id=new_id("asm"), **subject.asked),
        account_id,
        provider=context.ensemble.name,
        labels=subject.labels,
        lease_token=new_id("lease"),
        attempts=1,
        created_at=now,
        last_tried_at=now,
        progress={
            name: Progress(asks=1)
            for name in context.ensemble.supporting(
                subject.assessment_type, subject.currency, subject.as_of, subject.address
            )
        },
    )


def row_of(
    one: LeasedAssessment, subject: Subject, *, provider: str, edition: str, now: datetime
) -> dict[str, Any]:
    """Return the row of an assessment whose providers are about to be asked."""
    return {
        "id": one.question.assessment_id,
        "account_id": one.account_id,
        **subject.asked,
        "client_reference": subject.labels.client_reference,
        "client_metadata": subject.labels.metadata,
        "spelling": subject.spelling,
        "spelling_rules": SPELLING_RULES,
        "provider": provider,
        "edition": edition,
        "status": AssessmentStatus.PENDING,
        "attempts": one.attempts,
        "progress": assessment_progress.write(one.progress),
        "next_try_at": now,
        "lease_token": one.lease_token,
        "created_at": now,
        "updated_at": now,
    }


async def claim(
    session: AsyncSession, now: datetime, assessment_id: str
) -> LeasedAssessment | None:
    """Take an assessment if it is pending, due, and nobody works on it; else return None."""
    async with session.begin():
        assessment = await session.scalar(
            select(Assessment)
            .where(
                Assessment.id == assessment_id,
                Assessment.next_try_at <= now,
                leases.is_free(Assessment.lease_until),
            )
            .with_for_update(skip_locked=True)
        )
        if assessment is None:
            return None
        reserved = _taken(assessment)
        await session.execute(
            update(Assessment)
            .where(Assessment.id == assessment.id)
            .values(
                attempts=reserved.attempts,
                lease_token=reserved.lease_token,
                lease_until=leases.lasting(LEASE),
            )
        )
    return reserved


def _taken(assessment: Assessment) -> LeasedAssessment:
    return LeasedAssessment(
        Question(
            assessment_id=assessment.id,
            assessment_type=AssessmentType(assessment.assessment_type),
            address=assessment.address,
            currency=assessment.currency,
            tx_hash=assessment.tx_hash,
            as_of=assessment.as_of,
        ),
        assessment.account_id,
        provider=assessment.provider,
        labels=Labels(assessment.client_reference, assessment.client_metadata),
        lease_token=new_id("lease"),
        attempts=assessment.attempts + 1,
        created_at=assessment.created_at,
        last_tried_at=assessment.updated_at,
        # An earlier version of the program did not write it; it has asked.
        progress=assessment_progress.read(assessment.progress)
        or {assessment.provider: Progress(asks=1)},
    )


async def count_asks(
    database: Database, reserved: LeasedAssessment, providers: Collection[str], now: datetime
) -> LeasedAssessment | None:
    """Write down that providers are asked once more, and when, before they are.

    None: the lease is lost.
    """
    counted = {
        name: replace(known, asks=known.asks + (name in providers))
        for name, known in reserved.progress.items()
    }
    async with database.sessions() as session, session.begin():
        held = await session.scalar(
            update(Assessment)
            .where(*is_held(reserved))
            .values(progress=assessment_progress.write(counted), updated_at=now)
            .returning(Assessment.id)
        )
    return None if held is None else replace(reserved, progress=counted)


async def hand_over(session: AsyncSession, reserved: Sequence[LeasedAssessment]) -> None:
    """Leave questions that were not asked to the worker, in the caller's transaction."""
    left: list[str] = []
    for one in reserved:
        unasked = {name: replace(known, asks=0) for name, known in one.progress.items()}
        left += await session.scalars(
            update(Assessment)
            .where(*is_held(one))
            .values(lease_token=None, lease_until=None, progress=assessment_progress.write(unasked))
            .returning(Assessment.id)
        )
    await jobs.wake(session, left)


def is_held(reserved: LeasedAssessment) -> tuple[ColumnElement[bool], ...]:
    """Say that a question is pending, and still under the lease it was taken with."""
    return (
        Assessment.id == reserved.question.assessment_id,
        Assessment.lease_token == reserved.lease_token,
        Assessment.status == AssessmentStatus.PENDING,
    )
