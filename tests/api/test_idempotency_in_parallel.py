"""One `Idempotency-Key` in several requests at once, on a database that commits."""

import asyncio
from collections.abc import AsyncIterator
from typing import Final

import pytest
from sqlalchemy import text
from typing_extensions import override

from app import audit
from app.assessments.providers.base import Answer, Question
from app.runtime.db.engine import create_database
from tests.api import problems
from tests.api.asking import balance_of, refusal
from tests.api.test_idempotency import KEY, ORDER, QUESTION, made, send
from tests.support.application import Application, ScriptedProvider, open_application
from tests.support.databases import wait_long_for_connections
from tests.support.orders import count
from tests.support.people import PASSWORD, Person, make_access_code, make_user

OWN: Final = "create_new_assessment"


class Slow(ScriptedProvider):
    """Answers when it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.begun = asyncio.Event()
        self.answers = asyncio.Event()

    @override
    async def assess(self, question: Question) -> Answer:
        self.begun.set()
        await self.answers.wait()
        return await super().assess(question)


@pytest.fixture
async def busy(database_url: str) -> AsyncIterator[Application]:
    database = create_database(database_url, pool_size=20)
    wait_long_for_connections(database)
    async with open_application(database) as application:
        yield application
    await database.dispose()


@pytest.fixture
async def buyer(busy: Application) -> Person:
    return await make_user(busy.database, busy.clock.now(), credits_given=60)


async def test_fifty_parallel_orders_under_one_key_are_one(
    busy: Application, buyer: Person
) -> None:
    answers = await asyncio.gather(*(send(busy, "new_order", ORDER, buyer) for _ in range(50)))

    placed = [answer for answer in answers if answer.status_code == 201]
    refused = [answer for answer in answers if answer.status_code != 201]
    assert len({answer.content for answer in placed}) == 1
    assert [answer for answer in refused if refusal(answer) != problems.KEY_IN_FLIGHT] == []
    assert len([answer for answer in placed if "Idempotency-Replayed" not in answer.headers]) == 1
    assert await made(busy) == (1, 0, 1)
    again = await send(busy, "new_order", ORDER, buyer)
    assert again.content == placed[0].content
    other = await send(busy, "new_order", {**ORDER, "number_of_credits": 11}, buyer)
    assert refusal(other) == problems.KEY_REUSED


async def test_fifty_parallel_questions_under_one_key_cost_one_credit(
    busy: Application, buyer: Person
) -> None:
    answers = await asyncio.gather(*(send(busy, OWN, QUESTION, buyer) for _ in range(50)))

    placed = [answer for answer in answers if answer.status_code == 201]
    assert len({answer.content for answer in placed}) == 1
    for answer in answers:
        assert answer.status_code == 201 or refusal(answer) == problems.KEY_IN_FLIGHT
    assert await made(busy) == (0, 1, 1)
    assert len(busy.provider.asked) == 1
    assert await balance_of(busy, buyer) == 59


async def test_parallel_requests_under_one_key_are_done_once_wherever_a_key_is_taken(
    busy: Application, buyer: Person
) -> None:
    now = busy.clock.now()
    code = await make_access_code(busy.database, buyer, now, credits_given=9)
    batch = {"access_code": code.access_code, "questions": [QUESTION, QUESTION]}
    expected = {
        f"access_codes/{code.access_code}/credits": ({"credits": 1}, "ledger_entries", 2),
        f"access_codes/{code.access_code}/credits/return": (
            {"number_of_credits": 1},
            "ledger_entries",
            2,
        ),
        "access_codes": ({"credits": 1}, "access_codes", 1),
        "api_keys": ({}, "api_keys", 1),
        "create_new_assessments_for_access_code": (batch, "assessments", 1),
        "register": ({"email": "new@example.com", "password": PASSWORD}, "users", 1),
        f"access_codes/{code.access_code}/deactivate": ({}, "ledger_entries", 2),
    }
    for path, (body, table, more) in expected.items():
        before = await count(busy.database, table)
        answers = await asyncio.gather(*(send(busy, path, body, buyer) for _ in range(4)))

        done = [answer for answer in answers if answer.is_success]
        assert len({answer.content for answer in done}) == 1, path
        for answer in answers:
            assert answer.is_success or refusal(answer) == problems.KEY_IN_FLIGHT, path
        assert await count(busy.database, table) == before + more, path
    async with busy.database.reading() as connection:
        assert await audit.breaches(connection) == []


async def test_a_key_in_another_transaction_is_409_at_once_and_free_when_that_one_dies(
    busy: Application, buyer: Person
) -> None:
    claim = text(
        "INSERT INTO idempotency_keys (account_id, endpoint, key, request_hash, created_at)"
        " VALUES (:account, 'new_order', :key, sha256(''), now())"
    )
    async with busy.database.engine.connect() as process:
        await process.execute(claim, {"account": buyer.account_id, "key": KEY})
        async with asyncio.timeout(60):
            answer = await send(busy, "new_order", ORDER, buyer)
        assert refusal(answer) == problems.KEY_IN_FLIGHT
        assert answer.headers["Retry-After"] == "1"
        await process.invalidate()  # it is gone without a word to the database

    async with asyncio.timeout(60):
        while (answer := await send(busy, "new_order", ORDER, buyer)).status_code == 409:
            await asyncio.sleep(0.01)
    assert answer.status_code == 201
    assert await made(busy) == (1, 0, 1)


async def test_a_question_that_is_being_asked_is_409_and_no_connection_is_lent_meanwhile(
    busy: Application, buyer: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = Slow()
    monkeypatch.setattr(busy.provider, "assess", slow.assess)
    first = asyncio.create_task(send(busy, OWN, QUESTION, buyer))
    await slow.begun.wait()
    lent = busy.database.engine.pool.checkedout()  # type: ignore[attr-defined]
    meanwhile = await send(busy, OWN, QUESTION, buyer)
    other = await send(busy, OWN, {**QUESTION, "currency": "btc"}, buyer)
    slow.answers.set()

    answer = await first
    again = await send(busy, OWN, QUESTION, buyer)

    assert lent == 0
    assert refusal(meanwhile) == problems.KEY_IN_FLIGHT
    assert refusal(other) == problems.KEY_REUSED
    assert answer.json()["status"] == "ready"
    assert again.content == answer.content
    assert await balance_of(busy, buyer) == 59
