"""What a call costs in statements: how many go to the database, and that none is built for it."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from typing import Final

import pytest
from sqlalchemy import BindParameter, Delete, Insert, Select, TextClause, Update
from sqlalchemy.sql.compiler import SQLCompiler

from app.runtime.db.engine import create_database
from tests.api.ordering import ORDER
from tests.support.application import Application, open_application
from tests.support.people import Person, make_access_code, make_user
from tests.support.statements import statements_sent

# How often a call goes to the database and back.
READS: Final = {"check_order_status": 1, "check_self_status": 1, "check_access_code_status": 1}


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
    bodies = {
        "check_order_status": {"order_id": placed.json()["order_id"]},
        "check_access_code_status": {"access_code": code.access_code},
    }
    for operation, round_trips in READS.items():
        body = bodies.get(operation)
        method = "POST" if body else "GET"
        for _ in range(2):  # the first prepares the statement
            with statements_sent() as queries, built(monkeypatch) as made:
                answer = await shop.http.request(
                    method, f"/api/{operation}", headers=buyer.headers, json=body
                )
            assert answer.status_code == 200
            assert (len(queries), made) == (round_trips, []), queries
