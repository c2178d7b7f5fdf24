"""The engine and what services get of it: sessions that begin, connections that read, statements."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import datetime
from typing import Final

from sqlalchemy import AdaptedConnection, event, text
from sqlalchemy.exc import InvalidatePoolError
from sqlalchemy.ext.asyncio import (
    AsyncConnection,
    AsyncEngine,
    AsyncSession,
    async_sessionmaker,
    create_async_engine,
)

from app.runtime.clock import Clock, SystemClock
from app.runtime.db.clock import TIME, DatabaseClock
from app.runtime.db.connecting import BeginningConnection, Connecting, Reach
from app.runtime.db.direct import DirectStatements, DriverRow, Statement
from app.runtime.db.libpq import for_asyncpg
from app.runtime.db.pool import OrderedPool
from app.runtime.db.urls import read_database_url
from app.runtime.db.writability import Writability

_TIME: Final = text(TIME)
_POOL_TIMEOUT_SECONDS: Final = 2  # longer, and a caller waits for what it will not get
# Nothing of ours takes this long: what does is stuck, and would hold its locks and its connection.
LOCK_TIMEOUT: Final = "2s"
TIMEOUTS: Final = {
    "lock_timeout": LOCK_TIMEOUT,
    "idle_in_transaction_session_timeout": "10s",
}


class Database:
    """One pool of connections, lent in three ways; `dispose` closes it."""

    def __init__(
        self, url: str, engine: AsyncEngine, connecting: Connecting, clock: DatabaseClock
    ) -> None:
        """Lend the connections of `engine`, which `connecting` opens to where `url` leads."""
        self.url = url
        self.engine = engine
        self._connecting = connecting
        self.clock = clock
        self.writability = Writability()
        self.writability.attach(engine.sync_engine)
        self.sessions: async_sessionmaker[AsyncSession] = async_sessionmaker(
            engine, expire_on_commit=False, autobegin=False
        )
        self._autocommit = engine.execution_options(isolation_level="AUTOCOMMIT")
        self._direct = DirectStatements(engine, connecting, self.writability)

    @property
    def reach(self) -> Reach:
        """What answers at the database's address, as the last connection found it."""
        return self._connecting.reach

    def reading(self) -> AbstractAsyncContextManager[AsyncConnection]:
        """Lend a connection for single statements.

        They run outside of any transaction block; behind a pooler, which takes the connection to
        PostgreSQL back after each, they are one transaction.
        """
        if self._connecting.reach is Reach.DIRECT:
            return self._autocommit.connect()
        return self._reading_by_any_way()

    async def fetch(self, statement: Statement, **values: object) -> list[DriverRow]:
        """Run one statement on the driver itself, outside of any transaction block; return its rows.

        Raises what `DirectStatements.fetch` raises.
        """
        return await self._direct.fetch(statement, values)

    async def fetch_row(self, statement: Statement, **values: object) -> DriverRow | None:
        """Run one statement in the same way; return its first row, None where there is none."""
        rows = await self.fetch(statement, **values)
        return rows[0] if rows else None

    @asynccontextmanager
    async def _reading_by_any_way(self) -> AsyncIterator[AsyncConnection]:
        async with self.engine.connect() as connection:
            if self._connecting.reach is Reach.DIRECT:  # this was the first connection
                yield await connection.execution_options(isolation_level="AUTOCOMMIT")
                return
            async with connection.begin():
                yield connection

    async def measure_clock(self) -> None:
        """Ask what time it is there, and let `clock` go by it."""
        async with self.reading() as connection:

            async def ask() -> datetime:
                told: datetime = (await connection.execute(_TIME)).scalar_one()
                return told

            await self.clock.measure(ask)

    async def dispose(self) -> None:
        """Close every connection; those that are lent are closed when they come back."""
        await self.engine.dispose()


def create_database(
    url: str,
    *,
    pool_size: int = 10,
    statement_timeout_seconds: int = 5,
    machine_clock: Clock | None = None,
) -> Database:
    """Return a Database for a URL of PostgreSQL; nothing is connected yet. Raises ValueError.

    At most `pool_size` connections are open; whoever finds them all lent waits two seconds for
    one, and then gets sqlalchemy.exc.TimeoutError. Requests wait in the order of OrderedPool. A statement that takes longer than its timeout is
    given up; 0 is no limit, for an operator's long look. `machine_clock` stands in for the clock of the
    machine.
    """
    engine = create_async_engine(
        "postgresql+asyncpg://",
        poolclass=OrderedPool,
        pool_size=pool_size,
        max_overflow=0,
        hide_parameters=True,  # they are people's e-mails, hashes and access codes
        pool_timeout=_POOL_TIMEOUT_SECONDS,
        connect_args=for_asyncpg(read_database_url(url))
        | {"connection_class": BeginningConnection},
    )
    connecting = Connecting(TIMEOUTS | {"statement_timeout": f"{statement_timeout_seconds}s"})
    connecting.attach(engine.sync_engine)
    event.listen(engine.sync_engine, "checkout", _discard_closed)
    clock = DatabaseClock(machine_clock or SystemClock())
    clock.attach(engine.sync_engine)
    return Database(url, engine, connecting, clock)


def _discard_closed(connection: AdaptedConnection, _record: object, _proxy: object) -> None:
    """Replace pooled connections that the server has closed, as when it was restarted.

    asyncpg learns of it when the socket closes, so asking it costs no round trip, where
    `pool_pre_ping` costs one for each use; either lets no request fail for an old connection.
    """
    if connection.driver_connection.is_closed():
        raise InvalidatePoolError
