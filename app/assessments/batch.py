"""Many questions at once: one reservation of credits, and for each question its own outcome."""

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from app.assessments import duplicates, provider_calls
from app.assessments import outcomes as assessment_outcomes
from app.assessments.claims import LeasedAssessment, Subject, hand_over, reserve
from app.assessments.context import AssessmentContext
from app.assessments.rules.questions import AssessmentStatus
from app.assessments.service import PickAccount, balance_of, views_of
from app.assessments.views import AssessmentView
from app.ledger.actors import Actor
from app.runtime.db.engine import Database

# So many are asked at a time, and their answers kept in one transaction: progress that shows.
_AT_ONCE: Final = 50


@dataclass(frozen=True)
class QuestionFault:
    """What is wrong with a question that is malformed; nothing is debited for it."""

    detail: str
    code: str


@dataclass(frozen=True)
class BatchPlan:
    """What each question comes to, decided with the debit: an assessment's id, or its fault.

    `paid` are the assessments that a credit was debited for.
    """

    account_id: str
    outcomes: Sequence[str | QuestionFault]
    paid: Sequence[str]

    @property
    def assessment_ids(self) -> list[str]:
        """The assessments, in the order of their questions."""
        return [one for one in self.outcomes if isinstance(one, str)]


@dataclass(frozen=True)
class Batch:
    """What came of the questions, in their order.

    `charged` says for each whether a credit was debited; a failed one has been refunded.
    """

    outcomes: list[AssessmentView | QuestionFault]
    charged: list[bool]
    credits_available: int

    @property
    def refunded(self) -> int:
        """How many of the debited credits were given back."""
        return sum(
            charged and isinstance(one, AssessmentView) and one.status is AssessmentStatus.FAILED
            for one, charged in zip(self.outcomes, self.charged, strict=True)
        )


@dataclass(frozen=True)
class Questions:
    """Questions in their order, those that are to be asked anew, and who does so.

    What was asked at most `free_within` ago is answered by that, unless it is to be `fresh`.
    """

    asked: Sequence[Subject | QuestionFault]
    fresh: Collection[Subject]
    actor: Actor
    free_within: timedelta


async def create_many(
    context: AssessmentContext,
    *,
    pick_account: PickAccount,
    questions: Questions,
) -> Batch:
    """Debit a credit for each question that is new, all or none, ask, and return what came of it.

    The same question twice is one assessment. What the provider has not answered after 8 seconds
    is pending, and the worker goes on. Raises AccessCodeNotFound and InsufficientCredits before
    anything is debited.
    """
    until = provider_calls.deadline()
    edition = await context.ensemble.edition()
    async with context.database.sessions() as session, session.begin():
        account_id = await pick_account(session)
        plan, reserved = await begin_many(
            session, context, edition=edition, account_id=account_id, questions=questions
        )
    await ask_all(context, reserved, actor=questions.actor, until=until)
    return await read_batch(context.database, plan)


async def begin_many(
    session: AsyncSession,
    context: AssessmentContext,
    *,
    edition: str,
    account_id: str,
    questions: Questions,
) -> tuple[BatchPlan, list[LeasedAssessment]]:
    """Find the earlier assessments and debit a credit for each that is new, all or none.

    In the caller's transaction; `edition` is that of the ensemble, read before it began.
    """
    subjects = [one for one in questions.asked if isinstance(one, Subject)]
    earlier = await duplicates.find(
        session,
        [subject for subject in subjects if subject not in questions.fresh],
        account_id=account_id,
        provider=context.ensemble.name,
        edition=edition,
        within=questions.free_within,
        now=context.clock.now(),
    )
    ids = {subject.same: found for subject, found in earlier.items()}
    first = {subject.same: subject for subject in reversed(subjects)}
    new = [subject for same, subject in first.items() if same not in ids][::-1]
    reserved = []
    if new:
        reserved = await reserve(
            session,
            context,
            edition=edition,
            account_id=account_id,
            subjects=new,
            actor=questions.actor,
        )
    paid = [one.question.assessment_id for one in reserved]
    ids |= {subject.same: one for subject, one in zip(new, paid, strict=True)}
    outcomes = [ids[one.same] if isinstance(one, Subject) else one for one in questions.asked]
    return BatchPlan(account_id, outcomes, paid), reserved


async def read_batch(database: Database, plan: BatchPlan) -> Batch:
    """Return what has become of a plan by now."""
    async with database.reading() as connection:
        views = await views_of(connection, plan.account_id, plan.assessment_ids)
        balance = await balance_of(connection, plan.account_id)
    outcomes = [views[one] if isinstance(one, str) else one for one in plan.outcomes]
    return Batch(outcomes, _first_times(plan.outcomes, set(plan.paid)), balance)


async def ask_all(
    context: AssessmentContext,
    reserved: Sequence[LeasedAssessment],
    *,
    actor: Actor,
    until: float,
) -> None:
    """Ask the providers, and keep what came of it; what is late is left to the worker."""
    for begin in range(0, len(reserved), _AT_ONCE):
        some = reserved[begin : begin + _AT_ONCE]
        if asyncio.get_running_loop().time() >= until:
            async with context.database.sessions() as session, session.begin():
                await hand_over(session, reserved[begin:])
            return
        said = await asyncio.gather(
            *(provider_calls.ask(context.ensemble, one, until) for one in some)
        )
        verdicts = [
            (one, assessment_outcomes.combine_outcomes(context.ensemble, one, outcomes))
            for one, outcomes in zip(some, said, strict=True)
        ]
        if answered := [pair for pair in verdicts if pair[1].answer is not None]:
            await assessment_outcomes.settle_answers(context, answered)
        for one, verdict in verdicts:
            if verdict.answer is None:
                await assessment_outcomes.save_outcome(context, one, verdict, actor=actor)


def _first_times(outcomes: Sequence[str | QuestionFault], unsaid: set[str]) -> list[bool]:
    """Say of each outcome whether it was paid for here: once, where an assessment stands twice."""
    said = []
    for one in outcomes:
        said.append(one in unsaid)
        unsaid -= {one} if isinstance(one, str) else set()
    return said
