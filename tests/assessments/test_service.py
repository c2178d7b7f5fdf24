"""Assessments: one credit each, given back if and only if the provider has failed for good."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from sqlalchemy import select
from typing_extensions import override

from app import audit
from app.accounts.authentication import Caller
from app.accounts.errors import AccessCodeNotFound
from app.assessments import listing, provider_calls, service
from app.assessments.claims import Subject
from app.assessments.context import AssessmentContext
from app.assessments.errors import AssessmentFault
from app.assessments.models import Assessment
from app.assessments.providers.base import (
    Answer,
    FailureReason,
    ProviderFailed,
    ProviderUnknown,
    Question,
    RiskProvider,
)
from app.assessments.providers.ensemble import ProviderEnsemble
from app.assessments.rules.questions import AssessmentStatus, AssessmentType
from app.assessments.views import AssessmentView
from app.ledger.errors import InsufficientCredits
from app.runtime.clock import Clock
from app.runtime.db.engine import Database, create_database
from tests.support.application import ScriptedProvider
from tests.support.assessments import finish_due
from tests.support.clock import HandClock
from tests.support.databases import LentDatabase
from tests.support.orders import balance_of, count, end_leases
from tests.support.people import ACTOR, Person, make_access_code, make_user

SUBJECT = Subject(AssessmentType.ADDRESS, "12Cyjf3qV6qLyXdzpLSLPdRFPUVidvnzFM", "BTC", None)
TRANSACTION = Subject(AssessmentType.TRANSACTION, "12Cyjf3qV6qLyX", "BTC", "ab" * 32)


@pytest.fixture
def provider() -> ScriptedProvider:
    """A provider that answers until it is told not to."""
    return ScriptedProvider()


@pytest.fixture
async def spender(database: LentDatabase, clock: HandClock) -> Person:
    """A user with three credits."""
    return await make_user(database, clock.now(), credits_given=3)


@pytest.fixture(autouse=True)
async def _audited(database: LentDatabase) -> AsyncIterator[None]:
    """Whatever a test did, the rules of money hold afterwards."""
    yield
    async with database.reading() as connection:
        assert await audit.breaches(connection) == []


async def create(
    database: Database,
    provider: RiskProvider,
    clock: Clock,
    spender: Person,
    subject: Subject = SUBJECT,
) -> tuple[AssessmentView, int]:
    """Ask for an assessment that the spender pays."""
    made = await service.create(
        AssessmentContext(database, ProviderEnsemble([provider]), clock),
        pick_account=service.from_own_account(spender.caller),
        subject=subject,
        actor=ACTOR,
    )
    return made.assessment, made.credits_available


async def only_one(database: Database, spender: Person) -> AssessmentView:
    """Return the only assessment of an account."""
    async with database.reading() as connection:
        page = await listing.list_own(connection, spender.account_id, cursor=None, limit=10)
    (assessment,) = page.items
    return assessment


async def test_answer_costs_one_credit(
    database: LentDatabase, clock: HandClock, provider: ScriptedProvider, spender: Person
) -> None:
    view, left = await create(database, provider, clock, spender)
    assert (view.status, left) == (AssessmentStatus.READY, 2)
    assert view.answer is not None
    assert view.answer["risk_score"] == "0"
    assert view.answer["evidence"][0]["category"] == "scope"
    assert [question.assessment_id for question in provider.asked] == [view.id]
    assert await only_one(database, spender) == view


async def test_transaction_is_asked_with_its_hash(
    database: LentDatabase, clock: HandClock, provider: ScriptedProvider, spender: Person
) -> None:
    view, _ = await create(database, provider, clock, spender, TRANSACTION)
    assert view.tx_hash == provider.asked[0].tx_hash == "ab" * 32


async def test_failure_for_good_refunds_once_and_keeps_the_row(
    database: LentDatabase, clock: HandClock, provider: ScriptedProvider, spender: Person
) -> None:
    provider.raises = ProviderFailed(FailureReason.BROKEN)
    with pytest.raises(AssessmentFault, match=r"4J9Y1.*the risk provider could not answer"):
        await create(database, provider, clock, spender)
    view = await only_one(database, spender)
    assert (view.status, view.failure_reason) == (AssessmentStatus.FAILED, FailureReason.BROKEN)
    assert await balance_of(database, spender.account_id) == 3
    kinds = "kind IN ('assessment', 'refund') AND assessment_id = :id"
    assert await count(database, "ledger_entries", kinds, id=view.id) == 2


@pytest.mark.parametrize(
    "fault", [ProviderUnknown(), TimeoutError(), RuntimeError("a bug"), ConnectionResetError()]
)
async def test_unknown_outcome_keeps_the_credit_and_is_asked_again(
    database: LentDatabase,
    clock: HandClock,
    provider: ScriptedProvider,
    spender: Person,
    fault: Exception,
) -> None:
    provider.raises = fault
    view, left = await create(database, provider, clock, spender)
    assert (view.status, left) == (AssessmentStatus.PENDING, 2)
    assert not await finish_due(database, ProviderEnsemble([provider]), clock)
    clock.advance(2)
    provider.raises = None
    assert await finish_due(database, ProviderEnsemble([provider]), clock)
    assert not await finish_due(database, ProviderEnsemble([provider]), clock)
    assert (await only_one(database, spender)).status is AssessmentStatus.READY
    assert await balance_of(database, spender.account_id) == 2
    assert [question.assessment_id for question in provider.asked] == [view.id, view.id]


async def test_assessment_is_not_asked_about_before_it_is_due_or_after_it_is_done(
    database: LentDatabase, clock: HandClock, provider: ScriptedProvider, spender: Person
) -> None:
    ensemble = ProviderEnsemble([provider])
    provider.raises = ProviderUnknown()
    view, _ = await create(database, provider, clock, spender)
    provider.raises = None
    clock.advance(1.9)
    assert (
        await provider_calls.finish(AssessmentContext(database, ensemble, clock), view.id) is None
    )
    clock.advance(0.1)
    assert await provider_calls.finish(AssessmentContext(database, ensemble, clock), view.id)
    assert (
        await provider_calls.finish(AssessmentContext(database, ensemble, clock), view.id) is None
    )
    assert len(provider.asked) == 2


async def test_pending_assessment_that_fails_later_is_refunded(
    database: LentDatabase, clock: HandClock, provider: ScriptedProvider, spender: Person
) -> None:
    provider.raises = ProviderUnknown()
    await create(database, provider, clock, spender)
    provider.raises = ProviderFailed(FailureReason.REFUSED)
    clock.advance(2)
    assert await finish_due(database, ProviderEnsemble([provider]), clock)
    assert (await only_one(database, spender)).failure_reason == FailureReason.REFUSED
    assert await balance_of(database, spender.account_id) == 3


async def test_unanswered_question_rests_longer_each_time_but_never_long(
    database: LentDatabase, clock: HandClock, provider: ScriptedProvider, spender: Person
) -> None:
    provider.raises = ProviderUnknown()
    await create(database, provider, clock, spender)
    rests = []
    for _ in range(7):
        async with database.reading() as connection:
            due = await connection.scalar(select(Assessment.next_try_at))
        assert due is not None
        rests.append((due - clock.now()).total_seconds())
        clock.advance(rests[-1])
        assert await finish_due(database, ProviderEnsemble([provider]), clock)
    assert rests == sorted(rests)
    assert (rests[0], rests[-1]) == (2, 300)


async def test_slow_provider_leaves_the_assessment_pending(
    database: LentDatabase,
    clock: HandClock,
    spender: Person,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("app.assessments.provider_calls.PROVIDER_DEADLINE_SECONDS", 0.02)
    view, left = await create(database, NeverAnswers(), clock, spender)
    assert (view.status, left) == (AssessmentStatus.PENDING, 2)


async def test_question_of_a_process_that_died_is_asked_again_when_its_lease_is_over(
    database: LentDatabase, clock: HandClock, provider: ScriptedProvider, spender: Person
) -> None:
    stuck = NeverAnswers()
    request = asyncio.create_task(create(database, stuck, clock, spender))
    await stuck.begun.wait()
    request.cancel()
    await asyncio.gather(request, return_exceptions=True)
    assert (await only_one(database, spender)).status is AssessmentStatus.PENDING
    assert not await finish_due(database, ProviderEnsemble([provider]), clock)
    await end_leases(database)
    assert await finish_due(database, ProviderEnsemble([provider]), clock)
    assert (await only_one(database, spender)).status is AssessmentStatus.READY
    assert await balance_of(database, spender.account_id) == 2


@pytest.mark.parametrize("late", [None, ProviderFailed(FailureReason.BROKEN), ProviderUnknown()])
@pytest.mark.parametrize(
    ("meanwhile", "becomes"),
    [
        (ProviderFailed(FailureReason.REFUSED), (AssessmentStatus.FAILED, 3)),
        (ProviderUnknown(), (AssessmentStatus.PENDING, 2)),
        (None, (AssessmentStatus.READY, 2)),
    ],
    ids=["failed", "unknown", "answered"],
)
async def test_holder_whose_lease_was_taken_over_changes_nothing(
    spender: Person,
    taken_over: "TakenOver",
    meanwhile: Exception | None,
    becomes: tuple[AssessmentStatus, int],
    late: Exception | None,
) -> None:
    taken_over.meanwhile, taken_over.raises = meanwhile, late
    answered, _ = await create(taken_over.database, taken_over, taken_over.clock, spender)
    assert answered.status is becomes[0]
    view = await only_one(taken_over.database, spender)
    left = await balance_of(taken_over.database, spender.account_id)
    assert (view.status, left) == becomes
    assert view.failure_reason in (None, FailureReason.REFUSED)


async def test_two_hundred_parallel_questions_on_ten_credits_are_ten_debits(
    database_url: str, clock: HandClock, provider: ScriptedProvider
) -> None:
    replicas = [create_database(database_url, pool_size=10) for _ in range(3)]
    spender = await make_user(replicas[0], clock.now(), credits_given=10)
    gates = [asyncio.Semaphore(10) for _ in replicas]

    async def ask(number: int) -> bool:
        async with gates[number % 3]:
            try:
                await create(replicas[number % 3], provider, clock, spender)
            except InsufficientCredits:
                return False
            return True

    answered = await asyncio.gather(*(ask(number) for number in range(200)))
    assert sum(answered) == len(provider.asked) == 10
    assert await balance_of(replicas[0], spender.account_id) == 0
    assert await count(replicas[0], "assessments") == 10
    async with replicas[0].reading() as connection:
        assert await audit.breaches(connection) == []
    for replica in replicas:
        await replica.dispose()


async def test_one_pending_question_is_asked_by_one_finisher_only(
    committed_database: Database, clock: HandClock, provider: ScriptedProvider
) -> None:
    spender = await make_user(committed_database, clock.now(), credits_given=1)
    provider.raises = ProviderUnknown()
    await create(committed_database, provider, clock, spender)
    clock.advance(2)
    provider.raises = None
    finished = await asyncio.gather(
        *(finish_due(committed_database, ProviderEnsemble([provider]), clock) for _ in range(8))
    )
    assert len([outcome for outcome in finished if outcome]) == 1
    assert len(provider.asked) == 2


async def test_nothing_is_asked_without_a_credit(
    database: LentDatabase, clock: HandClock, provider: ScriptedProvider, buyer: Person
) -> None:
    with pytest.raises(InsufficientCredits):
        await create(database, provider, clock, buyer)
    assert provider.asked == []
    assert await count(database, "assessments") == 0


async def test_issuer_debits_the_code_and_not_itself(
    database: LentDatabase, clock: HandClock, provider: ScriptedProvider, spender: Person
) -> None:
    code = await make_access_code(database, spender, clock.now(), credits_given=1)
    assert code.access_code is not None
    made = await service.create(
        AssessmentContext(database, ProviderEnsemble([provider]), clock),
        pick_account=service.from_access_code(spender.caller, code.access_code, clock.now()),
        subject=SUBJECT,
        actor=ACTOR,
    )
    view = made.assessment
    assert made.credits_available == 0
    assert await balance_of(database, spender.account_id) == 3
    async with database.reading() as connection:
        listed = await service.list_for_account(
            connection, code.account_id, ["asm_none", view.id, view.id]
        )
        foreign = await service.list_for_account(connection, spender.account_id, [view.id])
    assert listed == [view]
    assert foreign == []


async def test_inactive_or_foreign_code_spends_nothing(
    database: LentDatabase, clock: HandClock, provider: ScriptedProvider, spender: Person
) -> None:
    expired = await make_access_code(
        database, spender, clock.now(), credits_given=1, expires_at=clock.now() + timedelta(hours=1)
    )
    clock.advance(3600)
    stranger = await make_user(database, clock.now())
    for caller in (spender.caller, stranger.caller):
        with pytest.raises(AccessCodeNotFound):
            await service.create(
                AssessmentContext(database, ProviderEnsemble([provider]), clock),
                pick_account=service.from_access_code(
                    caller, expired.access_code or "", clock.now()
                ),
                subject=SUBJECT,
                actor=ACTOR,
            )
    inactive = Caller(expired.account_id, expired.caller.kind, expired.access_code, active=False)
    with pytest.raises(AccessCodeNotFound):
        await service.from_own_account(inactive)(None)  # type: ignore[arg-type]
    assert await balance_of(database, expired.account_id) == 1
    assert provider.asked == []


async def test_own_assessments_come_newest_first_a_page_at_a_time(
    database: LentDatabase, clock: HandClock, provider: ScriptedProvider, spender: Person
) -> None:
    made = []
    for _ in range(3):
        made.append((await create(database, provider, clock, spender))[0].id)
        clock.advance(1)
    async with database.reading() as connection:
        page = await listing.list_own(connection, spender.account_id, cursor=None, limit=2)
        assert [view.id for view in page.items] == made[:0:-1]
        assert page.next_cursor is not None


# Providers


class NeverAnswers(ScriptedProvider):
    """Asks for more time than anybody has."""

    def __init__(self) -> None:
        super().__init__()
        self.begun = asyncio.Event()

    @override
    async def assess(self, question: Question) -> Answer:
        self.begun.set()
        await asyncio.Event().wait()
        raise AssertionError


class TakenOver(ScriptedProvider):
    """Is so slow that another process asks meanwhile; only then it answers or raises."""

    def __init__(self, database: Database, clock: HandClock) -> None:
        super().__init__()
        self.database = database
        self.clock = clock
        self.meanwhile: Exception | None = None

    @override
    async def assess(self, question: Question) -> Answer:
        await end_leases(self.database)
        other = ScriptedProvider(raises=self.meanwhile)
        assert await finish_due(self.database, ProviderEnsemble([other]), self.clock)
        return await super().assess(question)


@pytest.fixture
def taken_over(database: LentDatabase, clock: HandClock) -> TakenOver:
    """Such a provider."""
    return TakenOver(database, clock)
