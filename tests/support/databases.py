"""Databases for tests: one server per run, a migrated template, copies of it.

A copy takes some ten milliseconds. A test that only needs rows borrows one connection inside an
outer transaction (`LentDatabase`); what commits for others to see, runs in parallel or starts a
process takes a copy of its own.
"""

import asyncio
import os
import secrets
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple

import asyncpg
from sqlalchemy import make_url, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession, async_sessionmaker
from sqlalchemy.pool import QueuePool
from typing_extensions import override

from app.runtime.clock import SystemClock
from app.runtime.db.clock import DatabaseClock
from app.runtime.db.direct import DriverRow, Statement
from app.runtime.db.embedded import EmbeddedPostgres
from app.runtime.db.engine import Database
from app.runtime.db.migrate import upgrade
from app.runtime.db.writability import Writability

# A run's databases and their write-ahead log take less.
_ROOM_BYTES: Final = 4 * 1024**3
_MEMORY: Final = Path("/dev/shm")  # noqa: S108  the folder in it has a name of its own


def _folder_in_memory() -> Path | None:
    """Return where files are in memory, if there is room: copies of a database are cheap there."""
    if not _MEMORY.is_dir() or shutil.disk_usage(_MEMORY).free < _ROOM_BYTES:
        return None
    return _MEMORY


def wait_long_for_connections(database: Database) -> None:
    """Let nobody be refused a connection because a busy machine is slow to give others back."""
    pool = database.engine.pool
    assert isinstance(pool, QueuePool)
    pool._timeout = 60.0  # by its own setting it could only be made so


async def wait_long(session: AsyncSession) -> None:
    """Let no statement of this transaction be given up because a busy machine is slow."""
    await session.execute(text("SET LOCAL lock_timeout = 0"))
    await session.execute(text("SET LOCAL statement_timeout = 0"))


class Template(NamedTuple):
    """A migrated database that copies are made from: its server's URL, and its name there."""

    server_url: str
    name: str

    @asynccontextmanager
    async def copy(self) -> AsyncIterator[str]:
        """Lend the URL of a fresh copy, which is dropped afterwards, whoever still uses it."""
        name = f"{self.name}_{secrets.token_hex(4)}"
        # Files of a template that nobody writes to are copied in a third of the time of their pages.
        await self._execute(f'CREATE DATABASE "{name}" TEMPLATE "{self.name}" STRATEGY file_copy')
        try:
            yield self._url(name)
        finally:
            await self._execute(f'DROP DATABASE "{name}" WITH (FORCE)')

    def make(self) -> None:
        """Create the template and bring its schema to head by the migrations."""
        asyncio.run(self._execute(f'CREATE DATABASE "{self.name}"'))
        try:
            upgrade(self._url(self.name))
        finally:
            closed = "IS_TEMPLATE true ALLOW_CONNECTIONS false"
            asyncio.run(self._execute(f'ALTER DATABASE "{self.name}" {closed}'))

    def drop(self) -> None:
        """Remove the template from its server."""
        asyncio.run(
            self._execute(
                f'ALTER DATABASE "{self.name}" IS_TEMPLATE false', f'DROP DATABASE "{self.name}"'
            )
        )

    def _url(self, database: str) -> str:
        url = make_url(self.server_url).set(database=database)
        return url.render_as_string(hide_password=False)

    async def _execute(self, *statements: str) -> None:
        connection = await connect(self.server_url)
        try:
            for statement in statements:
                await connection.execute(statement)
        finally:
            await connection.close()


class RunServer:
    """The server of one run of the tests: TEST_DATABASE_URL's, else a throw-away one."""

    def __init__(self) -> None:
        """Start the server, from the main thread, and migrate the template."""
        given = os.environ.get("TEST_DATABASE_URL")
        self._state: Path | None = None
        if given is None:
            self._state = Path(tempfile.mkdtemp(prefix="assay-tests-", dir=_folder_in_memory()))
            self._server = EmbeddedPostgres(self._state, throwaway=True)
        url = make_url(given or asyncio.run(self._server.start()))
        url = url.set(drivername="postgresql+asyncpg")
        if given is None:
            asyncio.run(_let_log_in_fast(url.render_as_string(hide_password=False)))
        self.template = Template(
            url.render_as_string(hide_password=False), f"assay_test_{secrets.token_hex(4)}"
        )
        try:
            self.template.make()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Stop the throw-away server and remove its files, or drop the template from the other."""
        if self._state is None:
            self.template.drop()
            return
        asyncio.run(self._server.stop())
        for folder in {self._state, self._server.folder}:
            shutil.rmtree(folder)


class LentDatabase(Database):
    """Stands for a Database on one connection, inside a transaction that the test never commits.

    Each session and each reading is a savepoint, so a failure in the code under test undoes its
    own work and keeps what the test prepared.
    """

    def __init__(self, connection: AsyncConnection) -> None:
        """Lend `connection`, on which a transaction has begun."""
        self.engine = connection.engine
        self.url = connection.engine.url.render_as_string(hide_password=False)
        self.clock = DatabaseClock(SystemClock())
        self.writability = Writability()
        self.sessions: async_sessionmaker[AsyncSession] = async_sessionmaker(
            connection,
            expire_on_commit=False,
            autobegin=False,
            join_transaction_mode="create_savepoint",
        )
        self._connection = connection

    @override
    def reading(self) -> AbstractAsyncContextManager[AsyncConnection]:
        return self._savepoint()

    @override
    async def fetch(self, statement: Statement, **values: object) -> list[DriverRow]:
        async with self._savepoint() as connection:
            driver: Any = (await connection.get_raw_connection()).driver_connection
            rows: list[DriverRow] = await driver.fetch(statement.sql, *statement.arguments(values))
            return rows

    @override
    async def dispose(self) -> None:
        """Leave the connection to whoever lent it."""

    @asynccontextmanager
    async def _savepoint(self) -> AsyncIterator[AsyncConnection]:
        async with self._connection.begin_nested():
            yield self._connection


async def _let_log_in_fast(url: str) -> None:
    """Store the password of the URL's user again, with one round of hashing instead of 4,096.

    Both sides go through all rounds at every connection, and the tests make thousands.
    """
    password = str(make_url(url).password).replace("'", "''")
    connection = await connect(url)
    try:
        await connection.execute("SET scram_iterations = 1")
        await connection.execute(f"ALTER ROLE CURRENT_USER PASSWORD '{password}'")
    finally:
        await connection.close()


async def connect(url: str) -> asyncpg.Connection:
    """Connect to a SQLAlchemy URL without SQLAlchemy."""
    return await asyncpg.connect(url.replace("postgresql+asyncpg:", "postgresql:", 1))


async def run_alone(url: str, statement: str) -> None:
    """Run a statement by a session of its own, which may write whatever the database's default."""
    connection = await connect(url)
    try:
        await connection.execute("SET default_transaction_read_only = off")
        await connection.execute(statement)
    finally:
        await connection.close()


async def let_changes(url: str, *, allowed: bool) -> None:
    """Let sessions that begin from now on change a database, or not."""
    read_only = "off" if allowed else "on"
    name = make_url(url).database
    await run_alone(url, f'ALTER DATABASE "{name}" SET default_transaction_read_only = {read_only}')
