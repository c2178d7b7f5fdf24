"""The same question again costs nothing, as long as its answer would be the same."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from app import audit
from app.assessments import service
from app.assessments.claims import Subject
from app.assessments.context import AssessmentContext
from app.assessments.providers.base import ProviderUnknown
from app.assessments.providers.ensemble import ProviderEnsemble
from app.assessments.service import CreateResult
from app.runtime.db.engine import Database
from tests.assessments.test_service import SUBJECT
from tests.support.application import ScriptedProvider
from tests.support.clock import HandClock
from tests.support.databases import LentDatabase
from tests.support.orders import balance_of, count
from tests.support.people import ACTOR, Person, make_user

HOUR = timedelta(hours=1)


@pytest.fixture
def provider() -> ScriptedProvider:
    return ScriptedProvider()


@pytest.fixture
async def spender(database: LentDatabase, clock: HandClock) -> Person:
    return await make_user(database, clock.now(), credits_given=3)


async def ask(
    database: Database,
    provider: ScriptedProvider,
    clock: HandClock,
    spender: Person,
    *,
    subject: Subject = SUBJECT,
    free_within: timedelta | None = HOUR,
) -> CreateResult:
    return await service.create(
        AssessmentContext(database, ProviderEnsemble([provider]), clock),
        pick_account=service.from_own_account(spender.caller),
        subject=subject,
        actor=ACTOR,
        free_within=free_within,
    )


async def test_same_question_is_answered_again_for_nothing(
    database: LentDatabase, clock: HandClock, provider: ScriptedProvider, spender: Person
) -> None:
    first = await ask(database, provider, clock, spender)
    clock.advance(3599)
    again = await ask(database, provider, clock, spender)
    assert (first.charged, again.charged) == (True, False)
    assert again.assessment == first.assessment
    assert (first.credits_available, again.credits_available) == (2, 2)
    assert len(provider.asked) == 1
    assert await count(database, "assessments") == 1
    assert await count(database, "ledger_entries", "kind = 'assessment'") == 1
    async with database.reading() as connection:
        assert await audit.breaches(connection) == []


async def test_ticker_matches_without_regard_to_case(
    database: LentDatabase, clock: HandClock, provider: ScriptedProvider, spender: Person
) -> None:
    await ask(database, provider, clock, spender)
    lower = replace(SUBJECT, currency=SUBJECT.currency.lower())
    assert not (await ask(database, provider, clock, spender, subject=lower)).charged


@pytest.mark.parametrize("change", ["address", "tx_hash", "edition", "provider", "age", "fresh"])
async def test_another_question_or_a_fresh_one_is_paid(
    database: LentDatabase,
    clock: HandClock,
    provider: ScriptedProvider,
    spender: Person,
    change: str,
) -> None:
    subject = SUBJECT
    free_within: timedelta | None = HOUR
    await ask(database, provider, clock, spender)
    match change:
        case "address":
            subject = replace(SUBJECT, address="1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa")
        case "tx_hash":
            subject = Subject("transaction", SUBJECT.address, SUBJECT.currency, "ab" * 32)  # type: ignore[arg-type]
        case "edition":
            provider.issue = "of another day"
        case "provider":
            provider.name = "another"
        case "age":
            clock.advance(3600)
        case _:
            free_within = None
    made = await ask(database, provider, clock, spender, subject=subject, free_within=free_within)
    assert made.charged
    assert await balance_of(database, spender.account_id) == 1


async def test_question_of_another_account_is_paid(
    database: LentDatabase, clock: HandClock, provider: ScriptedProvider, spender: Person
) -> None:
    await ask(database, provider, clock, spender)
    other = await make_user(database, clock.now(), credits_given=1)
    assert (await ask(database, provider, clock, other)).charged


async def test_question_that_is_still_pending_is_not_paid_twice(
    database: LentDatabase, clock: HandClock, provider: ScriptedProvider, spender: Person
) -> None:
    provider.raises = ProviderUnknown()
    first = await ask(database, provider, clock, spender)
    again = await ask(database, provider, clock, spender)
    assert (again.assessment.id, again.charged) == (first.assessment.id, False)


async def test_earlier_answer_is_given_even_when_no_credit_is_left(
    database: LentDatabase, clock: HandClock, provider: ScriptedProvider
) -> None:
    poor = await make_user(database, clock.now(), credits_given=1)
    await ask(database, provider, clock, poor)
    again = await ask(database, provider, clock, poor)
    assert (again.charged, again.credits_available) == (False, 0)


async def test_twenty_at_once_are_paid_once(committed_database: Database) -> None:
    clock, provider = HandClock(), ScriptedProvider()
    spender = await make_user(committed_database, clock.now(), credits_given=20)
    made = await asyncio.gather(
        *(ask(committed_database, provider, clock, spender) for _ in range(20))
    )
    assert [one.charged for one in made].count(True) == 1
    assert len({one.assessment.id for one in made}) == 1
    assert await balance_of(committed_database, spender.account_id) == 19
