"""Settling a question: what its providers came to is kept, and a failure for good is refunded."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import text, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.addresses.spelling import canonicalize
from app.assessments import jobs, publish
from app.assessments import progress as assessment_progress
from app.assessments.claims import LeasedAssessment, is_held
from app.assessments.context import AssessmentContext
from app.assessments.models import Assessment
from app.assessments.progress import ByProvider, Progress
from app.assessments.providers.base import (
    Answer,
    ProviderFailed,
    ProviderNotAsked,
    ProviderPending,
    ProviderUnknown,
    Question,
)
from app.assessments.providers.ensemble import ProviderEnsemble
from app.assessments.rules.questions import AssessmentStatus
from app.assessments.rules.summaries import summary_of
from app.assessments.views import AssessmentView
from app.events.append import append, inserting, parameters
from app.ledger import service
from app.ledger.actors import Actor
from app.ledger.rules import EntryKind
from app.lists.rules.risk import RULESET
from app.runtime import idempotency
from app.runtime.db.direct import Statement

# How long an unanswered question rests, by the number of times it was tried.
_PAUSES: Final = tuple(timedelta(seconds=seconds) for seconds in (2, 10, 30, 60, 300))

_ANSWERING: Final = """
    answered AS (
        UPDATE assessments SET lease_token = NULL, lease_until = NULL, status = 'ready',
            next_try_at = NULL, answered_at = :its_time, updated_at = :its_time,
            answer = CAST(:its_answer AS jsonb), progress = CAST(:its_progress AS jsonb)
        WHERE id = :asked AND lease_token = :token AND status = 'pending'
        RETURNING id
    )"""
_TELLING: Final = inserting("CROSS JOIN answered")
_ANSWERED: Final = text(f"WITH {_ANSWERING} {_TELLING}")
_ANSWERED_ONE: Final = Statement(
    f"WITH {_ANSWERING}, told_of AS ({_TELLING}) SELECT id FROM answered"  # noqa: S608
)

Outcome = Answer | ProviderFailed | ProviderPending | ProviderUnknown


@dataclass(frozen=True)
class AssessmentOutcome:
    """What a question has come to: an answer, or why it failed for good, or neither yet."""

    answer: Answer | None
    failure: str | None
    progress: ByProvider

    @property
    def is_open(self) -> bool:
        """Say that a provider has still to say."""
        return self.answer is None and self.failure is None


def combine_outcomes(
    ensemble: ProviderEnsemble, reserved: LeasedAssessment, outcomes: Mapping[str, Outcome | None]
) -> AssessmentOutcome:
    """Say what a question comes to, given what its providers said now and before.

    One answer is enough, but nobody is left out: it is not ready while a provider has still to say.
    It has failed when all have.
    """
    known = {name: _advanced(one, outcomes.get(name)) for name, one in reserved.progress.items()}
    if not all(one.is_settled for one in known.values()):
        return AssessmentOutcome(None, None, known)
    answers = {name: one.answer for name, one in known.items() if one.answer is not None}
    failures = {name: one.failure for name, one in known.items() if one.failure is not None}
    # What came of each now stands in the answer; how often it was asked stays.
    asked = {name: replace(one, answer=None, failure=None) for name, one in known.items()}
    if answers:
        question = reserved.question
        not_asked = ensemble.why_not(question.currency, question.address)
        return AssessmentOutcome(ensemble.together(answers, {**not_asked, **failures}), None, asked)
    return AssessmentOutcome(None, next(iter(failures.values())), asked)


def _advanced(known: Progress, outcome: Outcome | None) -> Progress:
    match outcome:
        case Answer():
            return replace(known, answer=outcome)
        case ProviderFailed():
            return replace(known, failure=outcome.description)
        case ProviderPending():
            return replace(known, reference=outcome.reference)
        case ProviderNotAsked():
            return replace(known, asks=known.asks - 1)
        case _:
            return known


async def save_outcome(
    context: AssessmentContext,
    reserved: LeasedAssessment,
    verdict: AssessmentOutcome,
    *,
    actor: Actor,
) -> str | None:
    """Keep what came of a question; return why its credit was refunded, if it was."""
    if verdict.answer is not None:
        await keep_answer(context, reserved, verdict.answer, verdict.progress)
        return None
    async with context.database.sessions() as session, session.begin():
        if verdict.failure is None:
            await _leave_open(session, reserved, verdict, context.clock.now())
            return None
        refunded = await _refund(session, reserved, verdict, actor=actor, now=context.clock.now())
        return verdict.failure if refunded else None


async def keep_answer(
    context: AssessmentContext, reserved: LeasedAssessment, answer: Answer, progress: ByProvider
) -> AssessmentView | None:
    """Keep the answer to a question; return how it looks then. None: the lease is lost."""
    now = context.clock.now()
    view, row = _answered(reserved, answer, progress, now)
    kept = await context.database.fetch(_ANSWERED_ONE, **row)
    return view if kept else None


async def settle_answers(
    context: AssessmentContext, answered: Sequence[tuple[LeasedAssessment, AssessmentOutcome]]
) -> None:
    """Keep the answers to questions, in one transaction; those whose lease is lost are left."""
    now = context.clock.now()
    async with context.database.sessions() as session, session.begin():
        connection = await session.connection()
        await connection.execute(
            _ANSWERED,
            [
                _answered(one, answer, verdict.progress, now)[1]
                for one, verdict in answered
                if (answer := verdict.answer) is not None
            ],
        )


def _answered(
    one: LeasedAssessment, answer: Answer, progress: ByProvider, now: datetime
) -> tuple[AssessmentView, dict[str, Any]]:
    """Return how an answered question looks, and the parameters by which it is kept and told."""
    written = _written(answer, one.question)
    view = publish.answered_view(one, written, now)
    return view, {
        "its_time": now,
        "asked": one.question.assessment_id,
        "token": one.lease_token,
        "its_answer": json.dumps(written),
        "its_progress": json.dumps(assessment_progress.write(progress)),
        **parameters([publish.ready_event(one, view, now)]),
    }


def _written(answer: Answer, question: Question) -> dict[str, Any]:
    written = assessment_progress.as_json(asdict(answer))
    summary = summary_of(
        written,
        provider=answer.provider,
        assessment_type=question.assessment_type,
        as_of=question.as_of,
    )
    if answer.sources:
        written["looked_up"] = canonicalize(question.address)
    return {**written, "ruleset": RULESET, "summary": summary}


async def _leave_open(
    session: AsyncSession, reserved: LeasedAssessment, verdict: AssessmentOutcome, now: datetime
) -> None:
    pause = _PAUSES[min(reserved.attempts, len(_PAUSES)) - 1]
    if await _settle(session, reserved, verdict, next_try_at=now + pause, updated_at=now):
        await jobs.wake(session, [reserved.question.assessment_id], pause)


async def _refund(
    session: AsyncSession,
    reserved: LeasedAssessment,
    verdict: AssessmentOutcome,
    *,
    actor: Actor,
    now: datetime,
) -> bool:
    """Give the credit back if the lease still holds; say whether it did."""
    settled = await _settle(
        session,
        reserved,
        verdict,
        status=AssessmentStatus.FAILED,
        failure_reason=verdict.failure,
        next_try_at=None,
        updated_at=now,
    )
    if not settled:
        return False
    await append(session, [publish.failed_event(reserved, verdict.failure, now)])
    await service.post(
        session,
        account_id=reserved.account_id,
        kind=EntryKind.REFUND,
        amount=1,
        assessment_id=reserved.question.assessment_id,
        actor=actor,
        at=now,
    )
    await idempotency.release(session, reserved.question.assessment_id)
    return True


async def _settle(
    session: AsyncSession, reserved: LeasedAssessment, verdict: AssessmentOutcome, **values: object
) -> bool:
    """Write the outcome if the lease still holds; say whether it did."""
    settled = await session.scalar(
        update(Assessment)
        .where(*is_held(reserved))
        .values(
            lease_token=None,
            lease_until=None,
            progress=assessment_progress.write(verdict.progress),
            **values,
        )
        .returning(Assessment.id)
    )
    return settled is not None
