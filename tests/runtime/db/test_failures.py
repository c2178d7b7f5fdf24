"""Which errors mean that the database is away."""

import asyncpg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, IntegrityError, InterfaceError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import create_async_engine

from app.runtime.db.failures import Unavailable, is_unavailable, reason_of, unavailability
from tests.support.cases import each_case


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
    assert is_unavailable(failure.value)


@each_case(
    "reason",
    [
        asyncpg.AdminShutdownError("terminating connection"),
        asyncpg.CrashShutdownError("crash"),
        asyncpg.CannotConnectNowError("starting up"),
        asyncpg.ConnectionDoesNotExistError("closed in the middle of operation"),
        asyncpg.ConnectionFailureError("failed"),
        asyncpg.ProtocolViolationError("query_wait_timeout"),  # so PgBouncer says whatever it says
        asyncpg.InvalidPasswordError("password authentication failed"),
        asyncpg.InvalidCatalogNameError("no such database"),
        asyncpg.PostgresIOError("could not read"),
    ],
)
def test_a_server_that_hangs_up_is_away_raw_and_wrapped(reason: Exception) -> None:
    assert unavailability(reason) is Unavailable.AWAY
    assert unavailability(DBAPIError("select 1", None, reason)) is Unavailable.AWAY


@each_case(
    ("reason", "why"),
    [
        (asyncpg.TooManyConnectionsError("too many clients"), Unavailable.BUSY),
        (asyncpg.OutOfMemoryError("out of memory"), Unavailable.BUSY),
        (asyncpg.DeadlockDetectedError("deadlock"), Unavailable.BUSY),
        (asyncpg.IdleInTransactionSessionTimeoutError("idle for too long"), Unavailable.BUSY),
        (asyncpg.ReadOnlySQLTransactionError("cannot execute INSERT"), Unavailable.READ_ONLY),
        (asyncpg.DiskFullError("No space left on device"), Unavailable.READ_ONLY),
    ],
)
def test_a_busy_or_read_only_server_is_not_away_whoever_has_ended_the_session(
    reason: Exception, why: Unavailable
) -> None:
    assert unavailability(reason) is why
    assert unavailability(DBAPIError("x", None, reason, connection_invalidated=True)) is why


@pytest.mark.parametrize(
    "error",
    [
        InterfaceError("select 1", None, ValueError("closed"), connection_invalidated=True),
        TimeoutError(),
    ],
)
def test_a_lost_connection_is_away(error: Exception) -> None:
    assert unavailability(error) is Unavailable.AWAY


def test_a_full_pool_is_busy() -> None:
    assert unavailability(PoolTimeout("QueuePool limit of size 5 reached")) is Unavailable.BUSY


@each_case(
    "error",
    [
        IntegrityError("insert", None, asyncpg.UniqueViolationError("duplicate")),
        DBAPIError("select", None, asyncpg.UndefinedTableError("no table")),
        DBAPIError("select", None, asyncpg.DataCorruptedError("invalid page")),
        FileNotFoundError(2, "No such file", "list.txt"),
        ValueError("wrong"),
        KeyError("sqlstate"),
    ],
)
def test_a_wrong_statement_and_a_missing_file_are_faults(error: Exception) -> None:
    assert not is_unavailable(error)


def test_reason_is_one_line_of_what_the_server_said_without_statement_or_parameters() -> None:
    told = asyncpg.ProtocolViolationError("no more connections allowed\nDETAIL: 1 of 1")
    wrapped = DBAPIError("SELECT :secret", {"secret": "hunter2"}, told)
    assert reason_of(wrapped) == "ProtocolViolationError 08P01: no more connections allowed"
    assert reason_of(ConnectionRefusedError(111, "refused")) == (
        "ConnectionRefusedError: [Errno 111] refused"
    )
    assert reason_of(TimeoutError()) == "TimeoutError"
