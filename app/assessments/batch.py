"""Many questions at once: one reservation of credits, and for each question its own outcome."""

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from app.assessments import duplicates, provider_calls
from app.assessments import outcomes as assessment_outcomes
from app.assessments.claims import LeasedAssessment, Subject, hand_over, reserve
from app.assessments.providers.ensemble import ProviderEnsemble
from app.assessments.rules.questions import AssessmentStatus
from app.assessments.service import AssessmentView, PickAccount, balance_of, views_of
from app.ledger.actors import Actor
from app.runtime.clock import Clock
from app.runtime.db.engine import Database

# So many are asked at a time, and their answers kept in one transaction: progress that shows.
_AT_ONCE: Final = 50


@dataclass(frozen=True)
class Batch:
    """What came of the questions, in their order.

    `charged` says for each whether a credit was debited; a failed one has been refunded.
    """

    assessments: list[AssessmentView]
    charged: list[bool]
    credits_available: int

    @property
    def refunded(self) -> int:
        """How many of the debited credits were given back."""
        return sum(
            charged and one.status is AssessmentStatus.FAILED
            for one, charged in zip(self.assessments, self.charged, strict=True)
        )


async def create_many(
    database: Database,
    panel: ProviderEnsemble,
    clock: Clock,
    *,
    pick_account: PickAccount,
    subjects: Sequence[Subject],
    fresh: Collection[Subject],
    actor: Actor,
    free_within: timedelta,
) -> Batch:
    """Debit a credit for each question that is new, all or none, ask, and return the assessments.

    The same question twice is one assessment, and so is one that was asked at most `free_within`
    ago, unless it is to be `fresh`. What the provider has not answered after 8 seconds
    is pending, and the worker goes on. Raises AccessCodeNotFound and InsufficientCredits before
    anything is debited.
    """
    until = provider_calls.deadline()
    edition = await panel.edition()
    async with database.sessions() as session, session.begin():
        account_id = await pick_account(session)
        earlier = await duplicates.find(
            session,
            [subject for subject in subjects if subject not in fresh],
            account_id=account_id,
            provider=panel.name,
            edition=edition,
            within=free_within,
            now=clock.now(),
        )
        ids = {subject.same: found for subject, found in earlier.items()}
        first = {subject.same: subject for subject in reversed(subjects)}
        new = [subject for same, subject in first.items() if same not in ids][::-1]
        reserved = (
            await reserve(
                session,
                panel,
                clock,
                edition=edition,
                account_id=account_id,
                subjects=new,
                actor=actor,
            )
            if new
            else []
        )
    ids |= {
        subject.same: one.question.assessment_id for subject, one in zip(new, reserved, strict=True)
    }
    await _ask(database, panel, clock, reserved, actor=actor, until=until)
    wanted = [ids[subject.same] for subject in subjects]
    async with database.reading() as connection:
        views = await views_of(connection, account_id, wanted)
        balance = await balance_of(connection, account_id)
    paid = {one.question.assessment_id for one in reserved}
    return Batch([views[one] for one in wanted], _first_times(wanted, paid), balance)


async def _ask(
    database: Database,
    panel: ProviderEnsemble,
    clock: Clock,
    reserved: Sequence[LeasedAssessment],
    *,
    actor: Actor,
    until: float,
) -> None:
    for begin in range(0, len(reserved), _AT_ONCE):
        some = reserved[begin : begin + _AT_ONCE]
        if asyncio.get_running_loop().time() >= until:
            async with database.sessions() as session, session.begin():
                await hand_over(session, reserved[begin:])
            return
        said = await asyncio.gather(*(provider_calls.ask(panel, one, until) for one in some))
        verdicts = [
            (one, assessment_outcomes.combine_outcomes(panel, one, outcomes))
            for one, outcomes in zip(some, said, strict=True)
        ]
        if answered := [pair for pair in verdicts if pair[1].answer is not None]:
            await assessment_outcomes.settle_answers(database, answered, clock)
        for one, verdict in verdicts:
            if verdict.answer is None:
                await assessment_outcomes.save_outcome(database, one, verdict, clock, actor=actor)


def _first_times(wanted: Sequence[str], paid: set[str]) -> list[bool]:
    """Say of each assessment whether it was paid for here: once, where it stands twice."""
    unsaid = set(paid)
    said = []
    for assessment_id in wanted:
        said.append(assessment_id in unsaid)
        unsaid.discard(assessment_id)
    return said
