"""Which errors mean that the database is away."""

import asyncpg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, IntegrityError, InterfaceError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import create_async_engine

from app.db.failures import is_database_away, reason_of


@pytest.mark.parametrize(
    "url",
    [
        "postgresql+asyncpg://nobody:x@127.0.0.1:1/nothing",
        "postgresql+asyncpg://nobody:x@/nothing?host=/nonexistent",
    ],
)
async def test_a_server_that_is_not_there_is_away(url: str) -> None:
    engine = create_async_engine(url)
    with pytest.raises(OSError) as failure:  # noqa: PT011 - the kind of OSError differs
        async with engine.connect() as connection:
            await connection.execute(text("select 1"))
    await engine.dispose()
    assert is_database_away(failure.value)


@pytest.mark.parametrize(
    "reason",
    [
        asyncpg.AdminShutdownError("terminating connection"),
        asyncpg.CrashShutdownError("crash"),
        asyncpg.CannotConnectNowError("starting up"),
        asyncpg.TooManyConnectionsError("too many clients"),
        asyncpg.ConnectionDoesNotExistError("closed in the middle of operation"),
        asyncpg.ConnectionFailureError("failed"),
        asyncpg.ProtocolViolationError("query_wait_timeout"),  # so PgBouncer says whatever it says
        asyncpg.InvalidPasswordError("password authentication failed"),
        asyncpg.InvalidCatalogNameError("no such database"),
        asyncpg.IdleInTransactionSessionTimeoutError("idle for too long"),
    ],
)
def test_a_server_that_hangs_up_is_away_raw_and_wrapped(reason: Exception) -> None:
    assert is_database_away(reason)
    assert is_database_away(DBAPIError("select 1", None, reason))


@pytest.mark.parametrize(
    "error",
    [
        InterfaceError("select 1", None, ValueError("closed"), connection_invalidated=True),
        PoolTimeout("QueuePool limit of size 5 reached"),
        TimeoutError(),
    ],
)
def test_a_lost_connection_and_a_full_pool_are_away(error: Exception) -> None:
    assert is_database_away(error)


@pytest.mark.parametrize(
    "error",
    [
        IntegrityError("insert", None, asyncpg.UniqueViolationError("duplicate")),
        DBAPIError("select", None, asyncpg.UndefinedTableError("no table")),
        DBAPIError("select", None, asyncpg.DeadlockDetectedError("deadlock")),
        FileNotFoundError(2, "No such file", "list.txt"),
        ValueError("wrong"),
        KeyError("sqlstate"),
    ],
)
def test_a_wrong_statement_and_a_missing_file_are_not_away(error: Exception) -> None:
    assert not is_database_away(error)


def test_reason_is_one_line_of_what_the_server_said_without_statement_or_parameters() -> None:
    told = asyncpg.ProtocolViolationError("no more connections allowed\nDETAIL: 1 of 1")
    wrapped = DBAPIError("SELECT :secret", {"secret": "hunter2"}, told)
    assert reason_of(wrapped) == "ProtocolViolationError 08P01: no more connections allowed"
    assert reason_of(ConnectionRefusedError(111, "refused")) == (
        "ConnectionRefusedError: [Errno 111] refused"
    )
    assert reason_of(TimeoutError()) == "TimeoutError"
