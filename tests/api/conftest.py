"""One application per module, its people in it; each test in a savepoint that is rolled back."""

import itertools
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Final

import httpx
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection
from structlog.testing import capture_logs

from app.runtime.db.engine import Database
from tests.api.asking import SECONDS, TEST_HOST
from tests.support.application import Application, open_application
from tests.support.databases import LentDatabase
from tests.support.people import Person, make_access_code, make_user

_ADDRESSES: Final[Iterator[int]] = itertools.count(1)


@dataclass(frozen=True)
class ApiFixture:
    """Two users, strangers to each other, and an access code of each."""

    user: Person
    code: Person
    stranger: Person
    foreign_code: Person


@pytest.fixture(scope="module")
async def outer(worker_database: Database) -> AsyncIterator[AsyncConnection]:
    """The connection that every test of a module works on; nothing on it is ever committed."""
    async with worker_database.engine.connect() as connection:
        await connection.begin()
        await connection.execute(text("SET LOCAL idle_in_transaction_session_timeout = 0"))
        yield connection
        await connection.rollback()


@pytest.fixture(scope="module")
async def running(outer: AsyncConnection) -> AsyncIterator[Application]:
    """The application of a module."""
    async with open_application(LentDatabase(outer)) as application:
        yield application


@pytest.fixture(scope="module")
async def api(running: Application) -> ApiFixture:
    """The people of a module. The user and its code own credits; of the others, nobody does."""
    database, now = running.database, running.clock.now()
    user = await make_user(database, now, credits_given=20)
    stranger = await make_user(database, now)
    return ApiFixture(
        user=user,
        code=await make_access_code(database, user, now, credits_given=5),
        stranger=stranger,
        foreign_code=await make_access_code(database, stranger, now),
    )


@asynccontextmanager
async def as_at_first(outer: AsyncConnection, running: Application) -> AsyncIterator[Application]:
    """Lend the module's application as it was at first, asked from an address of its own."""
    start = running.clock.now()
    number = next(_ADDRESSES)
    address = f"10.0.{number // 256 % 256}.{number % 256}"
    transport = httpx.ASGITransport(running.app, raise_app_exceptions=False, client=(address, 1))
    async with (
        outer.begin_nested() as savepoint,
        httpx.AsyncClient(transport=transport, base_url=TEST_HOST) as http,
    ):
        with capture_logs():  # a traceback on a console takes seconds
            yield replace(running, http=http)
        await savepoint.rollback()
    running.clock.advance((start - running.clock.now()) / SECONDS)
    running.provider.raises = None
    running.provider.asked.clear()


@pytest.fixture
async def application(
    outer: AsyncConnection, running: Application, api: ApiFixture
) -> AsyncIterator[Application]:
    """The module's application as it was at first, asked from an address of this test's own."""
    async with as_at_first(outer, running) as application:
        yield application


@pytest.fixture
def user(api: ApiFixture) -> Person:
    """A user with 20 credits."""
    return api.user


@pytest.fixture
def code(api: ApiFixture) -> Person:
    """An access code with 5 credits, issued by `user`."""
    return api.code
