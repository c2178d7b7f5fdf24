"""Idempotency keys below HTTP: what is kept, what a crash leaves, what the database refuses."""

import json
from collections.abc import AsyncIterator

import pytest
from sqlalchemy import event, text
from typing_extensions import override

from app import audit
from app.accounts.errors import InvalidAccessCode
from app.assessments import claims, idempotent_create
from app.assessments import service as assessments
from app.assessments.claims import LEASE
from app.assessments.context import AssessmentContext
from app.assessments.errors import AssessmentFault
from app.assessments.providers.base import (
    Answer,
    FailureReason,
    ProviderFailed,
    ProviderUnknown,
    Question,
)
from app.assessments.providers.ensemble import ProviderEnsemble
from app.assessments.rules.questions import AssessmentStatus
from app.assessments.service import CreateResult
from app.orders.place import Purchase
from app.orders.queries import OrderView
from app.runtime import idempotency
from app.runtime.db.engine import Database
from app.runtime.errors import IdempotencyKeyInFlight, IdempotencyKeyReused
from app.runtime.idempotency import KEPT, REAPED_AT_ONCE, KeptAnswer, RequestKey, hash_of
from tests.assessments.test_service import SUBJECT
from tests.support.application import ScriptedProvider
from tests.support.assessments import finish_due
from tests.support.buying import buy_once
from tests.support.clock import HandClock
from tests.support.databases import LentDatabase
from tests.support.orders import TERMS, balance_of, count, end_leases
from tests.support.people import ACTOR, Person, make_user


class Killed(BaseException):
    """The process is gone: nothing after this runs."""


@pytest.fixture
def provider() -> ScriptedProvider:
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


def key_of(person: Person, *, endpoint: str = "e", body: str = "") -> RequestKey:
    return RequestKey(person.account_id, endpoint, "k", hash_of({"body": body}))


def statements_of(database: Database) -> list[str]:
    """Return a list that grows by each statement from now on."""
    said: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        said.append(statement)

    event.listen(database.engine.sync_engine, "before_cursor_execute", note)
    return said


def written(made: CreateResult) -> bytes:
    return f"{made.assessment.id} {made.assessment.status} {made.credits_available}".encode()


def killed(_made: CreateResult) -> bytes:
    raise Killed


async def ask(
    database: Database,
    provider: ScriptedProvider,
    clock: HandClock,
    spender: Person,
    *,
    write: object = written,
) -> KeptAnswer:
    """Ask for an assessment under the spender's key."""
    return await idempotent_create.create_once(
        AssessmentContext(database, ProviderEnsemble([provider]), clock),
        key=key_of(spender),
        write=write,  # type: ignore[arg-type]
        pick_account=assessments.from_own_account(spender.caller),
        subject=SUBJECT,
        actor=ACTOR,
    )


# Claiming


def test_the_hash_is_of_the_canonical_json() -> None:
    # echo -n '{"a":{"c":true,"d":null},"b":[1,"é"]}' | sha256sum
    known = "db6c191e9f212a6b676c6da3e0d471bc6555c472bb165519f893de785c923a26"
    assert hash_of({"b": [1, "é"], "a": {"d": None, "c": True}}).hex() == known
    assert hash_of({"a": {"c": True, "d": None}, "b": [1, "é"]}).hex() == known
    for other in ({"a": 1}, {"a": "1"}, {"a": True}, {"a": [1]}, {"a": None}, {}, {"A": 1}):
        assert hash_of(other).hex() != known
    assert hash_of({"a": 1}) != hash_of({"a": True}) != hash_of({"a": "1"})


async def test_a_claim_leaves_the_lock_timeout_of_the_work_as_it_was(
    database: LentDatabase, clock: HandClock, buyer: Person
) -> None:
    async with database.sessions() as session, session.begin():
        assert await session.scalar(text("SHOW lock_timeout")) == "2s"
        await idempotency.claim(session, key_of(buyer), clock.now())
        assert await session.scalar(text("SHOW lock_timeout")) == "2s"


async def test_a_claim_waits_only_for_the_same_account_endpoint_and_key(
    committed_database: Database, clock: HandClock
) -> None:
    first = await make_user(committed_database, clock.now())
    second = await make_user(committed_database, clock.now())
    async with committed_database.sessions() as holder, holder.begin():
        await idempotency.claim(holder, key_of(first), clock.now())
        async with committed_database.sessions() as session, session.begin() as undone:
            assert await idempotency.claim(session, key_of(second), clock.now()) is None
            other = key_of(first, endpoint="f")
            assert await idempotency.claim(session, other, clock.now()) is None
            await undone.rollback()
        said = statements_of(committed_database)
        async with committed_database.sessions() as session:
            with pytest.raises(IdempotencyKeyInFlight):
                async with session.begin():
                    await idempotency.claim(session, key_of(first), clock.now())
        assert said[-2] == "SET LOCAL lock_timeout = '100ms'"
        assert said[-1].startswith("INSERT INTO idempotency_keys")
        await holder.rollback()
    async with committed_database.sessions() as session, session.begin() as undone:
        assert await idempotency.claim(session, key_of(first), clock.now()) is None
        await undone.rollback()


# Orders


async def test_key_order_and_answer_are_kept_together_or_not_at_all(
    database: LentDatabase, clock: HandClock, buyer: Person
) -> None:
    async def buy(purchase: Purchase, write: object, body: str = "") -> KeptAnswer:
        return await buy_once(
            database,
            buyer.caller,
            purchase,
            TERMS,
            clock.now(),
            key=key_of(buyer, endpoint="new_order", body=body),
            write=write,  # type: ignore[arg-type]
        )

    def dies(_order: OrderView) -> bytes:
        raise Killed

    ten = Purchase(10, "Aeon", "AEON", None)
    with pytest.raises(Killed):
        await buy(ten, dies)
    with pytest.raises(InvalidAccessCode):
        await buy(Purchase(10, "Aeon", "AEON", "0" * 16), dies)
    for table in ("orders", "order_events", "idempotency_keys"):
        assert await count(database, table) == 0
    first = await buy(ten, lambda order: json.dumps({"id": order.id}).encode())
    assert await count(database, "orders", "id = :id", id=json.loads(first.body)["id"]) == 1
    assert await buy(ten, dies) == KeptAnswer(201, first.body, replayed=True)
    with pytest.raises(IdempotencyKeyReused):
        await buy(ten, dies, body="another")
    assert await count(database, "orders") == 1


# Assessments, and every point at which their server may die


async def test_crash_before_the_debit_commits_leaves_nothing(
    database: LentDatabase, clock: HandClock, provider: ScriptedProvider, spender: Person
) -> None:
    async def dies(_session: object) -> str:
        raise Killed

    with pytest.raises(Killed):
        await idempotent_create.create_once(
            AssessmentContext(database, ProviderEnsemble([provider]), clock),
            key=key_of(spender),
            write=written,
            pick_account=dies,
            subject=SUBJECT,
            actor=ACTOR,
        )
    assert await count(database, "idempotency_keys") == 0
    assert (await ask(database, provider, clock, spender)).replayed is False
    assert await balance_of(database, spender.account_id) == 2


async def crash_while_asking(
    database: Database, provider: ScriptedProvider, clock: HandClock, spender: Person
) -> None:
    """Die between reserve and settle."""
    provider.raises = Killed()
    with pytest.raises(Killed):
        await ask(database, provider, clock, spender)
    provider.raises = None


async def test_crash_while_asking_is_in_flight_until_the_lease_is_over(
    database: LentDatabase, clock: HandClock, provider: ScriptedProvider, spender: Person
) -> None:
    await crash_while_asking(database, provider, clock, spender)
    clock.advance(LEASE.total_seconds() + 1)
    with pytest.raises(IdempotencyKeyInFlight):
        await ask(database, provider, clock, spender)
    await end_leases(database)

    first = await ask(database, provider, clock, spender)

    asked = provider.asked[0].assessment_id
    assert first == KeptAnswer(201, f"{asked} pending 2".encode(), replayed=False)
    clock.advance(1)
    assert await finish_due(database, ProviderEnsemble([provider]), clock)
    again = await ask(database, provider, clock, spender)
    assert again == KeptAnswer(201, first.body, replayed=True)
    assert await count(database, "assessments") == 1
    assert await balance_of(database, spender.account_id) == 2
    assert LEASE.total_seconds() <= 60


async def test_after_a_crash_while_asking_the_answer_may_be_the_workers(
    database: LentDatabase, clock: HandClock, provider: ScriptedProvider, spender: Person
) -> None:
    await crash_while_asking(database, provider, clock, spender)
    await end_leases(database)
    assert await finish_due(database, ProviderEnsemble([provider]), clock)

    first = await ask(database, provider, clock, spender)

    assert first.body == f"{provider.asked[0].assessment_id} ready 2".encode()
    assert await ask(database, provider, clock, spender) == KeptAnswer(201, first.body, True)


async def test_while_the_worker_asks_again_the_assessment_is_pending_and_not_in_flight(
    database: LentDatabase, clock: HandClock, provider: ScriptedProvider, spender: Person
) -> None:
    await crash_while_asking(database, provider, clock, spender)
    await end_leases(database)
    assessment_id = provider.asked[0].assessment_id
    async with database.sessions() as session:
        assert await claims.claim(session, clock.now(), assessment_id)

    first = await ask(database, provider, clock, spender)

    assert b"pending" in first.body


async def test_crash_between_settle_and_keep_answers_with_what_was_settled(
    database: LentDatabase, clock: HandClock, provider: ScriptedProvider, spender: Person
) -> None:
    with pytest.raises(Killed):
        await ask(database, provider, clock, spender, write=killed)
    assert await count(database, "idempotency_keys", "body IS NULL") == 1

    first = await ask(database, provider, clock, spender)

    assert first.body == f"{provider.asked[0].assessment_id} ready 2".encode()
    assert len(provider.asked) == 1
    assert await ask(database, provider, clock, spender) == KeptAnswer(201, first.body, True)


async def test_failure_for_good_frees_the_key_with_the_refund(
    database: LentDatabase, clock: HandClock, provider: ScriptedProvider, spender: Person
) -> None:
    provider.raises = ProviderFailed(FailureReason.BROKEN)
    with pytest.raises(AssessmentFault):
        await ask(database, provider, clock, spender)
    assert await count(database, "idempotency_keys") == 0
    assert await balance_of(database, spender.account_id) == 3
    provider.raises = None

    answer = await ask(database, provider, clock, spender)

    assert answer.body == f"{provider.asked[1].assessment_id} ready 2".encode()


async def test_crash_at_the_refund_takes_refund_and_freed_key_back_together(
    database: LentDatabase,
    clock: HandClock,
    provider: ScriptedProvider,
    spender: Person,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def dies(_session: object, _assessment_id: str) -> None:
        raise Killed

    provider.raises = ProviderFailed(FailureReason.BROKEN)
    with monkeypatch.context() as patched:
        patched.setattr(idempotency, "release", dies)
        with pytest.raises(Killed):
            await ask(database, provider, clock, spender)
    assert await balance_of(database, spender.account_id) == 2
    assert await count(database, "idempotency_keys", "assessment_id IS NOT NULL") == 1
    await end_leases(database)

    assert await finish_due(database, ProviderEnsemble([provider]), clock)

    assert await balance_of(database, spender.account_id) == 3
    assert await count(database, "idempotency_keys") == 0


async def test_pending_answer_stays_the_answer_when_the_provider_fails_later(
    database: LentDatabase, clock: HandClock, provider: ScriptedProvider, spender: Person
) -> None:
    provider.raises = ProviderUnknown()
    first = await ask(database, provider, clock, spender)
    assert b"pending" in first.body
    clock.advance(2)
    provider.raises = ProviderFailed(FailureReason.BROKEN)
    assert await finish_due(database, ProviderEnsemble([provider]), clock)

    again = await ask(database, provider, clock, spender)

    assert again == KeptAnswer(201, first.body, replayed=True)
    assert await count(database, "assessments", "status = 'failed'") == 1
    assert await balance_of(database, spender.account_id) == 3


async def test_the_first_answer_that_was_kept_is_everybodys(
    database: LentDatabase, clock: HandClock, spender: Person
) -> None:
    key = key_of(spender)
    async with database.sessions() as session, session.begin():
        await idempotency.claim(session, key, clock.now())
        first = await idempotency.keep(session, key, b"first")
        late = await idempotency.keep(session, key, b"late")
    assert first == KeptAnswer(201, b"first", replayed=False)
    assert late == KeptAnswer(201, b"first", replayed=True)


async def test_key_that_is_gone_keeps_nothing_and_may_be_tried_again(
    database: LentDatabase, spender: Person
) -> None:
    async with database.sessions() as session, session.begin():
        with pytest.raises(IdempotencyKeyInFlight):
            await idempotency.keep(session, key_of(spender), b"late")


async def test_answer_of_a_request_whose_assessment_failed_elsewhere_is_not_given(
    database: LentDatabase, clock: HandClock, spender: Person
) -> None:
    """It was so slow that the worker asked meanwhile, was refused, and refunded."""

    class TooSlow(ScriptedProvider):
        @override
        async def assess(self, question: Question) -> Answer:
            await end_leases(database)
            worker = ScriptedProvider(raises=ProviderFailed(FailureReason.BROKEN))
            assert await finish_due(database, ProviderEnsemble([worker]), clock)
            return await super().assess(question)

    with pytest.raises(IdempotencyKeyInFlight):
        await ask(database, TooSlow(), clock, spender)
    answer = await ask(database, ScriptedProvider(), clock, spender)
    assert AssessmentStatus.READY.encode() in answer.body
    assert await balance_of(database, spender.account_id) == 2


# Reaping


async def test_keys_are_reaped_a_thousand_at_once(
    database: LentDatabase, clock: HandClock, buyer: Person
) -> None:
    async with database.sessions() as session, session.begin():
        await session.execute(
            text(
                "INSERT INTO idempotency_keys"
                " (account_id, endpoint, key, request_hash, status, body, created_at)"
                " SELECT :account, 'e', n, sha256(''), 201, '', :at"
                " FROM generate_series(1, :many) n"
            ),
            {"account": buyer.account_id, "at": clock.now(), "many": REAPED_AT_ONCE + 1},
        )
    clock.advance(KEPT.total_seconds())
    async with database.sessions() as session:
        assert await idempotency.delete_expired(session, clock.now()) is True
        assert await count(database, "idempotency_keys") == 1
        assert await idempotency.delete_expired(session, clock.now()) is False
    assert await count(database, "idempotency_keys") == 0
