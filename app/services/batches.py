"""Many questions at once: one reservation of credits, and for each question its own outcome."""

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from app.db.engine import Database
from app.domain.actors import Actor
from app.domain.clock import Clock
from app.providers.base import Answer, RiskProvider
from app.services import asking, repeats
from app.services.asking import PROVIDER_DEADLINE_SECONDS, Reserved, Subject
from app.services.assessments import AssessmentView, PickAccount, balance_of, views_of

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


async def create_many(
    database: Database,
    provider: RiskProvider,
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
    give_up_at = clock.monotonic() + PROVIDER_DEADLINE_SECONDS
    async with database.sessions() as session, session.begin():
        account_id = await pick_account(session)
        earlier = await repeats.find(
            session,
            [subject for subject in subjects if subject not in fresh],
            account_id=account_id,
            provider=provider,
            within=free_within,
            now=clock.now(),
        )
        ids = {subject.same: found for subject, found in earlier.items()}
        first = {subject.same: subject for subject in reversed(subjects)}
        new = [subject for same, subject in first.items() if same not in ids][::-1]
        reserved = (
            await asking.reserve(
                session, provider, clock, account_id=account_id, subjects=new, actor=actor
            )
            if new
            else []
        )
    ids |= {
        subject.same: one.question.assessment_id for subject, one in zip(new, reserved, strict=True)
    }
    await _ask(database, provider, clock, reserved, actor=actor, give_up_at=give_up_at)
    wanted = [ids[subject.same] for subject in subjects]
    async with database.reading() as connection:
        views = await views_of(connection, account_id, wanted)
        balance = await balance_of(connection, account_id)
    paid = {one.question.assessment_id for one in reserved}
    return Batch([views[one] for one in wanted], _first_times(wanted, paid), balance)


async def _ask(
    database: Database,
    provider: RiskProvider,
    clock: Clock,
    reserved: Sequence[Reserved],
    *,
    actor: Actor,
    give_up_at: float,
) -> None:
    for begin in range(0, len(reserved), _AT_ONCE):
        some = reserved[begin : begin + _AT_ONCE]
        if clock.monotonic() >= give_up_at:
            async with database.sessions() as session, session.begin():
                await asking.hand_over(session, reserved[begin:])
            return
        outcomes = await asyncio.gather(*(asking.ask(provider, one.question) for one in some))
        answered = []
        for one, outcome in zip(some, outcomes, strict=True):
            if isinstance(outcome, Answer):
                answered.append((one, outcome))
            else:
                await asking.settle(database, one, outcome, clock, actor=actor)
        if answered:
            await asking.settle_answers(database, answered, clock)


def _first_times(wanted: Sequence[str], paid: set[str]) -> list[bool]:
    """Say of each assessment whether it was paid for here: once, where it stands twice."""
    unsaid = set(paid)
    said = []
    for assessment_id in wanted:
        said.append(assessment_id in unsaid)
        unsaid.discard(assessment_id)
    return said
