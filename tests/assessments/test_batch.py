"""Many questions at once: they share one deadline, however many of them there are."""

import asyncio
from dataclasses import dataclass
from datetime import timedelta

import pytest
from typing_extensions import override

from app import audit
from app.assessments import batch as batches
from app.assessments import provider_calls, service
from app.assessments.batch import _AT_ONCE, Questions
from app.assessments.claims import PROVIDER_DEADLINE_SECONDS, Subject
from app.assessments.context import AssessmentContext
from app.assessments.providers.base import Answer, Question
from app.assessments.providers.ensemble import ProviderEnsemble
from app.assessments.rules.questions import AssessmentStatus, AssessmentType
from app.assessments.views import AssessmentView
from tests.support.application import ScriptedProvider
from tests.support.clock import HandClock
from tests.support.databases import LentDatabase
from tests.support.deadlines import Deadlines, hold_deadlines
from tests.support.people import ACTOR, make_user

NUMBER = _AT_ONCE + 10


@dataclass
class HangsLater(ScriptedProvider):
    """Answers as many questions as are asked at once; who comes later waits until its deadline.

    Who looks for a deadline when it has been asked finds a later one.
    """

    patch: pytest.MonkeyPatch | None = None
    deadlines: Deadlines | None = None

    @override
    async def assess(self, question: Question) -> Answer:
        assert self.patch is not None
        assert self.deadlines is not None
        self.patch.setattr("app.assessments.provider_calls.PROVIDER_DEADLINE_SECONDS", 3600.0)
        if len(self.asked) >= _AT_ONCE:
            self.deadlines.expire()
            await asyncio.Event().wait()
        return await super().assess(question)


async def test_questions_that_are_asked_later_have_no_deadline_of_their_own(
    database: LentDatabase, clock: HandClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    user = await make_user(database, clock.now(), credits_given=NUMBER)
    subjects = [
        Subject(
            AssessmentType.TRANSACTION, "12Cyjf3qV6qLyXdzpLSLPdRFPUVidvnzFM", "BTC", f"{one:064x}"
        )
        for one in range(NUMBER)
    ]
    deadlines = hold_deadlines(monkeypatch, provider_calls, batches)
    batch = await batches.create_many(
        AssessmentContext(
            database, ProviderEnsemble([HangsLater(patch=monkeypatch, deadlines=deadlines)]), clock
        ),
        pick_account=service.from_own_account(user.caller),
        questions=Questions(subjects, [], ACTOR, timedelta(0)),
    )
    assert max(deadlines.seconds) == PROVIDER_DEADLINE_SECONDS
    later = [one for one in batch.outcomes[_AT_ONCE:] if isinstance(one, AssessmentView)]
    assert [one.status for one in later] == [AssessmentStatus.PENDING] * 10
    assert batch.credits_available == 0
    async with database.reading() as connection:
        assert await audit.breaches(connection) == []
