"""Asking providers: none is paid twice where it can tell, and nothing stays unknown in silence."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select
from typing_extensions import override

from app import audit
from app.assessments import service
from app.assessments.claims import Subject
from app.assessments.context import AssessmentContext
from app.assessments.errors import AssessmentFault
from app.assessments.models import Assessment
from app.assessments.provider_calls import RetryResult
from app.assessments.providers.base import (
    Answer,
    FailureReason,
    ProviderFailed,
    ProviderNotAsked,
    ProviderPending,
    ProviderUnknown,
    Question,
)
from app.assessments.providers.ensemble import ProviderEnsemble
from app.assessments.rules.questions import AssessmentStatus, AssessmentType
from app.assessments.views import AssessmentView
from tests.support.application import ScriptedProvider
from tests.support.assessments import finish_due
from tests.support.clock import HandClock
from tests.support.databases import LentDatabase
from tests.support.orders import balance_of, end_leases
from tests.support.people import ACTOR, Person, make_user

SUBJECT = Subject(AssessmentType.ADDRESS, "12Cyjf3qV6qLyXdzpLSLPdRFPUVidvnzFM", "BTC", None)


@dataclass
class RecallingProvider(ScriptedProvider):
    """A provider that keeps what it was asked; `forgets` is raised when it is asked to recall."""

    forgets: Exception | None = None
    knows: Answer | None = None
    recalled: list[Question] = field(default_factory=list)

    @override
    async def find_existing(self, question: Question) -> Answer | None:
        self.recalled.append(question)
        if self.forgets is not None:
            raise self.forgets
        return self.knows


class Died(BaseException):
    """What ends a process: nothing of ours catches it."""


@dataclass
class Desk:
    """A user with three credits, and the providers that answer it."""

    database: LentDatabase
    clock: HandClock
    user: Person
    one: RecallingProvider
    other: RecallingProvider

    @property
    def ensemble(self) -> ProviderEnsemble:
        return ProviderEnsemble([self.one, self.other])

    async def create(self, *providers: ScriptedProvider) -> AssessmentView:
        made = await service.create(
            AssessmentContext(
                self.database, ProviderEnsemble(providers or [self.one, self.other]), self.clock
            ),
            pick_account=service.from_own_account(self.user.caller),
            subject=SUBJECT,
            actor=ACTOR,
        )
        return made.assessment

    async def try_again(
        self, *providers: ScriptedProvider, after_seconds: float = 300
    ) -> RetryResult:
        self.clock.advance(after_seconds)
        ensemble = ProviderEnsemble(providers or [self.one, self.other])
        tried = await finish_due(self.database, ensemble, self.clock)
        assert tried is not None
        return tried

    async def row(self) -> Any:  # noqa: ANN401
        async with self.database.reading() as connection:
            rows = await connection.execute(
                select(Assessment.status, Assessment.progress, Assessment.answer)
            )
            return rows.one()

    async def balance(self) -> int:
        return await balance_of(self.database, self.user.account_id)


@pytest.fixture
async def desk(database: LentDatabase, clock: HandClock) -> AsyncIterator[Desk]:
    """Whatever a test did, the rules of money hold afterwards."""
    user = await make_user(database, clock.now(), credits_given=3)
    yield Desk(
        database, clock, user, RecallingProvider(name="one"), RecallingProvider(name="other")
    )
    async with database.reading() as connection:
        assert await audit.breaches(connection) == []


async def test_both_are_asked_once_for_one_credit(desk: Desk) -> None:
    view = await desk.create()
    assert view.status is AssessmentStatus.READY
    assert (len(desk.one.asked), len(desk.other.asked)) == (1, 1)
    assert view.answer is not None
    assert [said["provider"] for said in view.answer["opinions"]] == ["one", "other"]
    assert (view.provider, await desk.balance()) == ("one+other", 2)


async def test_an_answer_waits_for_the_slower_provider_and_is_not_asked_for_again(
    desk: Desk,
) -> None:
    desk.other.raises = ProviderPending("ref-9")
    assert (await desk.create()).status is AssessmentStatus.PENDING
    assert (await desk.row()).progress["one"]["answer"]["provider"] == "one"
    desk.other.forgets = ProviderPending("ref-9")
    await desk.try_again()
    desk.other.forgets, desk.other.knows = None, await answer_of("other")
    await desk.try_again()
    row = await desk.row()
    assert row.status == AssessmentStatus.READY
    assert (len(desk.one.asked), len(desk.one.recalled), len(desk.other.asked)) == (1, 0, 1)
    assert [one.provider_reference for one in desk.other.recalled] == ["ref-9", "ref-9"]
    assert [said["reason"] for said in row.answer["opinions"]] == [None, None]
    assert await desk.balance() == 2


async def test_one_failure_of_two_costs_the_credit_and_is_said(desk: Desk) -> None:
    desk.one.raises = ProviderFailed(FailureReason.REFUSED)
    view = await desk.create()
    assert view.answer is not None
    assert [said["reason"] for said in view.answer["opinions"]] == [FailureReason.REFUSED, None]
    assert await desk.balance() == 2


async def test_only_when_all_have_failed_the_credit_comes_back(desk: Desk) -> None:
    desk.one.raises = ProviderFailed(FailureReason.REFUSED)
    desk.other.raises = ProviderUnknown()
    await desk.create()
    assert await desk.balance() == 2
    desk.other.forgets = ProviderFailed(FailureReason.BROKEN)
    tried = await desk.try_again()
    assert tried.refunded
    assert ((await desk.row()).status, await desk.balance()) == (AssessmentStatus.FAILED, 3)


async def test_all_that_fail_at_once_are_a_fault_and_a_refund(desk: Desk) -> None:
    desk.one.raises = desk.other.raises = ProviderFailed(FailureReason.BROKEN)
    with pytest.raises(AssessmentFault):
        await desk.create()
    assert await desk.balance() == 3


async def test_what_a_provider_recalls_is_not_asked_again(desk: Desk) -> None:
    desk.one.raises = ProviderUnknown()
    await desk.create(desk.one)
    desk.one.raises, desk.one.knows = None, await answer_of("one")
    await desk.try_again(desk.one)
    assert (len(desk.one.asked), (await desk.row()).status) == (1, AssessmentStatus.READY)


async def test_what_it_was_surely_never_asked_is_asked_as_often_as_needed(desk: Desk) -> None:
    desk.one.raises = ProviderUnknown()
    await desk.create(desk.one)
    for asks in (2, 3, 4):
        tried = await desk.try_again(desk.one)
        assert tried.asked_again == ()
        assert (await desk.row()).progress["one"]["asks"] == asks


async def test_a_provider_that_cannot_tell_is_asked_twice_at_most_and_that_is_counted(
    desk: Desk,
) -> None:
    desk.one.raises = desk.one.forgets = ProviderUnknown()
    await desk.create(desk.one)
    again = [(await desk.try_again(desk.one)).asked_again for _ in range(12)]
    assert [names for names in again if names] == [("one",)]
    assert again[:3] == [(), (), ()]  # looks alone
    assert len(desk.one.asked) == 2
    assert (await desk.row()).progress["one"]["asks"] == 2
    assert await desk.balance() == 2


async def test_a_question_that_did_not_leave_does_not_count_as_asked(desk: Desk) -> None:
    desk.one.raises = ProviderNotAsked()
    await desk.create(desk.one)
    assert (await desk.row()).progress["one"]["asks"] == 0
    desk.one.forgets = ProviderUnknown()
    desk.one.raises = None
    await desk.try_again(desk.one)
    assert (desk.one.recalled, (await desk.row()).status) == ([], AssessmentStatus.READY)


async def test_an_ask_is_written_down_before_it_leaves(desk: Desk) -> None:
    seen: list[int] = []

    class Watching(RecallingProvider):
        @override
        async def assess(self, question: Question) -> Answer:
            seen.append((await desk.row()).progress["one"]["asks"])
            raise ProviderUnknown

    watching = Watching(name="one")
    await desk.create(watching)
    await desk.try_again(watching)
    assert seen == [1, 2]


async def test_a_crash_after_asking_again_leaves_behind_when_that_was(desk: Desk) -> None:
    desk.one.raises = ProviderUnknown()
    await desk.create(desk.one)
    desk.one.raises = Died()
    with pytest.raises(Died):
        await desk.try_again(desk.one)
    await end_leases(desk.database)
    desk.one.raises = None
    await desk.try_again(desk.one, after_seconds=20)
    assert desk.one.recalled[-1].idle_for == timedelta(seconds=20)


async def test_an_answer_that_outlives_its_lease_changes_nothing(desk: Desk) -> None:
    class Slow(RecallingProvider):
        @override
        async def find_existing(self, question: Question) -> Answer | None:
            await end_leases(desk.database)
            assert await finish_due(desk.database, ProviderEnsemble([desk.one]), desk.clock)
            return None

    desk.one.raises = ProviderUnknown()
    await desk.create(desk.one)
    desk.one.raises = None
    slow = Slow(name="one")
    await desk.try_again(slow)
    assert slow.asked == []
    assert (await desk.row()).status == AssessmentStatus.READY


async def test_it_rings_once_when_ten_minutes_have_passed_without_an_answer(desk: Desk) -> None:
    desk.one.raises = desk.one.forgets = ProviderUnknown()
    await desk.create(desk.one)
    overdue = [(await desk.try_again(desk.one)).is_overdue for _ in range(5)]
    assert overdue == [False, True, False, False, False]


async def test_an_answer_after_ten_minutes_does_not_ring(desk: Desk) -> None:
    desk.one.raises = ProviderUnknown()
    await desk.create(desk.one)
    desk.one.raises = None
    assert not (await desk.try_again(desk.one, after_seconds=3600)).is_overdue


async def test_a_provider_that_is_no_longer_named_leaves_the_question_unknown(desk: Desk) -> None:
    desk.one.raises = ProviderUnknown()
    await desk.create(desk.one)
    await desk.try_again(desk.other)
    assert ((await desk.row()).status, await desk.balance()) == (AssessmentStatus.PENDING, 2)
    assert desk.other.asked == []


async def test_a_question_of_an_earlier_version_is_recalled_before_it_is_asked(desk: Desk) -> None:
    desk.one.raises = ProviderUnknown()
    await desk.create(desk.one)
    async with desk.database.sessions() as session, session.begin():
        row = (await session.scalars(select(Assessment))).one()
        row.progress = {}
    desk.one.raises, desk.one.knows = None, await answer_of("one")
    await desk.try_again(desk.one)
    assert (len(desk.one.asked), (await desk.row()).status) == (1, AssessmentStatus.READY)


async def answer_of(provider: str) -> Answer:
    """Return what a scripted provider answers."""
    asked = Question(
        assessment_id="asm_x",
        assessment_type=AssessmentType.ADDRESS,
        address=SUBJECT.address,
        currency="BTC",
        tx_hash=None,
    )
    return await ScriptedProvider(name=provider).assess(asked)
