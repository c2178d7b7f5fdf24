"""What a call costs in statements: how many go to the database, and that none is built for it."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from typing import Final

import pytest
from sqlalchemy import BindParameter, Delete, Insert, Select, TextClause, Update, text
from sqlalchemy.sql.compiler import SQLCompiler

from app.runtime.db.engine import create_database
from tests.api import problems
from tests.api.asking import ask, refusal
from tests.api.ordering import ORDER
from tests.support.application import Application, open_application
from tests.support.people import Person, make_access_code, make_user
from tests.support.server import learn_parameters
from tests.support.statements import statements_sent

QUESTION: Final = {
    "assessment_type": "address",
    "address": "12Cyjf3qV6qLyXdzpLSLPdRFPUVidvnzFM",
    "currency": "BTC",
}
# How often a call goes to the database and back.
READS: Final = {
    "check_order_status": 1,
    "check_self_status": 1,
    "check_access_code_status": 1,
    "orders/{order_id}": 1,
    "assessments/{assessment_id}": 1,
}


@pytest.fixture
async def shop(database_url: str) -> AsyncIterator[Application]:
    """An application on a database that commits."""
    database = create_database(database_url, pool_size=1)
    async with open_application(database) as application:
        yield application
    await database.dispose()


@pytest.fixture
async def buyer(shop: Application) -> Person:
    return await make_user(shop.database, shop.clock.now(), credits_given=50)


@contextmanager
def built(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Collect what SQLAlchemy builds and compiles."""
    made: list[str] = []

    def noting(kind: type) -> Callable[..., None]:
        begin: Callable[..., None] = kind.__init__  # type: ignore[misc]

        def note(*arguments: object, **options: object) -> None:
            made.append(kind.__name__)
            begin(*arguments, **options)

        return note

    with monkeypatch.context() as patch:
        for kind in (Select, Insert, Update, Delete, TextClause, BindParameter, SQLCompiler):
            patch.setattr(kind, "__init__", noting(kind))
        yield made


async def test_each_read_is_one_statement_and_builds_none(
    shop: Application, buyer: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = await make_access_code(shop.database, buyer, shop.clock.now())
    placed = await shop.http.post("/api/new_order", headers=buyer.headers, json=ORDER)
    asked = await ask(shop, "create_new_assessment", QUESTION, buyer)
    ids = {
        "order_id": placed.json()["order_id"],
        "assessment_id": asked.json()["assessment_id"],
    }
    bodies = {
        "check_order_status": {"order_id": ids["order_id"]},
        "check_access_code_status": {"access_code": code.access_code},
    }
    for operation, round_trips in READS.items():
        body = bodies.get(operation)
        method = "POST" if body else "GET"
        for _ in range(2):  # the first prepares the statement
            with statements_sent() as queries, built(monkeypatch) as made:
                answer = await shop.http.request(
                    method, f"/api/{operation.format(**ids)}", headers=buyer.headers, json=body
                )
            assert answer.status_code == 200
            assert (len(queries), made) == (round_trips, []), queries


async def test_an_order_in_aeon_is_two_statements_with_a_key_too_and_its_repetition_one(
    shop: Application, buyer: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    await learn_parameters(shop.database, shop.clock.now())
    code = await make_access_code(shop.database, buyer, shop.clock.now())
    gift = {**ORDER, "order_is_for_self": False, "access_code": code.access_code}
    for body, key, round_trips in (
        (ORDER, None, 2),
        (gift, None, 2),
        (ORDER, "first", 2),
        (ORDER, "second", 2),
        (ORDER, "second", 1),
    ):
        headers = buyer.headers | ({"Idempotency-Key": key} if key else {})
        with statements_sent() as queries, built(monkeypatch) as made:
            answer = await shop.http.post("/api/new_order", headers=headers, json=body)
        assert answer.status_code == 201
        assert (len(queries), made) == (round_trips, []), queries


async def test_an_order_whose_account_is_locked_is_no_key_in_flight(
    shop: Application, buyer: Person
) -> None:
    locked = text("SELECT FROM accounts WHERE id = :id FOR UPDATE")
    other = create_database(shop.database.url, pool_size=1)
    async with other.sessions() as session, session.begin():
        await session.execute(locked, {"id": buyer.account_id})
        headers = {**buyer.headers, "Idempotency-Key": "k"}
        answer = await shop.http.post("/api/new_order", headers=headers, json=ORDER)
    await other.dispose()
    assert refusal(answer) == problems.BUSY


async def test_an_assessment_is_three_statements_or_four_and_a_repeated_one_two(
    shop: Application, buyer: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who calls, whether it was asked before, debit and question, the answer."""
    code = await make_access_code(shop.database, buyer, shop.clock.now(), credits_given=20)
    of_code = {"access_code": code.access_code}
    for path, payer in (
        ("create_new_assessment", {}),
        ("create_new_assessment_for_access_code", of_code),
    ):
        other = {**QUESTION, "address": "3J98t1WpEZ73CNmQviecrnyiWrnqRhWNLy"}
        first = await ask(shop, path, payer | QUESTION, buyer)  # it prepares the statements
        for asked, round_trips in (
            (other, 4),
            (QUESTION, 2),
            (QUESTION | {"fresh": True}, 3),
            (QUESTION | {"fresh": True}, 3),
        ):
            with statements_sent() as queries, built(monkeypatch) as made:
                answer = await ask(shop, path, payer | asked, buyer)
            assert answer.status_code == 201, answer.text
            assert (len(queries), made) == (round_trips, []), queries
            charged = round_trips > 2
            assert answer.json()["charged"] is charged
            same = answer.json()["assessment_id"] == first.json()["assessment_id"]
            assert same is not charged
