"""Connecting so that timeouts hold, whether PostgreSQL itself answers or a pooler before it.

A pooler such as PgBouncer refuses or swallows the settings that a connection begins with. In its
transaction mode each transaction meets another session of the server, which keeps neither settings
nor prepared statements. So nothing is left to the session there: settings begin each transaction,
in the same message, and statements have no name. That is right in session mode, too.
"""

from collections.abc import Mapping
from enum import Enum, auto
from typing import Any, Final

import asyncpg
from sqlalchemy import Dialect, Engine, event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.pool import ConnectionPoolEntry
from typing_extensions import override

from app.runtime.db.failures import SessionRefused, is_unavailable
from app.runtime.observability.logging import get_logger

log = get_logger(__name__)

# No statement outlives its transaction: neither SQLAlchemy nor asyncpg may keep or name one.
_WITHOUT_STATEMENTS: Final[dict[str, Any]] = {
    "prepared_statement_cache_size": 0,
    "prepared_statement_name_func": str,
    "statement_cache_size": 0,
}


class Reach(Enum):
    """What answers at the database's address."""

    UNKNOWN = auto()
    DIRECT = auto()
    POOLED = auto()


class BeginningConnection(asyncpg.Connection):  # type: ignore[misc]
    """A connection of asyncpg that may begin each transaction with settings."""

    begin_with = ""

    @override
    async def execute(self, query: str, *args: Any, timeout: float | None = None) -> str:
        """Run a statement; asyncpg begins a transaction by this, too."""
        if query.startswith("BEGIN"):
            query += self.begin_with
        status: str = await super().execute(query, *args, timeout=timeout)
        return status

    @property
    def is_encrypted(self) -> bool:
        """Whether TLS is between this process and what it connected to."""
        return self._transport.get_extra_info("ssl_object") is not None

    @property
    def host(self) -> str | None:
        """The host that was connected to; None for a socket of this machine."""
        return None if isinstance(self._addr, str) else str(self._addr[0])


class Connecting:
    """Connects an engine, and knows what it has reached.

    Once a pooler was found, one is reckoned with until the process ends: what is right behind it
    is right without it.
    """

    def __init__(self, settings: Mapping[str, str]) -> None:
        """Let `settings`, values by name, hold in every transaction."""
        self.reach = Reach.UNKNOWN
        self._keep = ", ".join(
            f"set_config('{name}', '{value}', false)" for name, value in settings.items()
        )
        self._begin_with = set_locally(settings)

    def attach(self, engine: Engine) -> None:
        """Open every connection of this engine from now on."""
        event.listen(engine, "do_connect", self._connect)

    def _connect(
        self,
        dialect: Dialect,
        _record: ConnectionPoolEntry,
        arguments: list[Any],
        keywords: dict[str, Any],
    ) -> DBAPIConnection:
        if self.reach is not Reach.POOLED:
            connection: Any = _opened(dialect, arguments, keywords)
            if self._is_direct(connection):
                self.reach = Reach.DIRECT
                return connection  # type: ignore[no-any-return]
            connection.close()
            self._reckon_with_pooler()
        connection = _opened(dialect, arguments, keywords | _WITHOUT_STATEMENTS)
        connection.driver_connection.begin_with = self._begin_with
        return connection  # type: ignore[no-any-return]

    def _reckon_with_pooler(self) -> None:
        if self.reach is not Reach.POOLED:  # several connections may find it at once
            log.info("database_pooler_found")
        self.reach = Reach.POOLED

    def _is_direct(self, connection: Any) -> bool:  # noqa: ANN401  SQLAlchemy's, of no public type
        try:
            return bool(connection.run_async(self._keeps_session))
        except BaseException:
            connection.terminate()
            raise

    async def _keeps_session(self, connection: asyncpg.Connection) -> bool:
        """Leave the settings with the session, if it is the one that PostgreSQL opened for us.

        PostgreSQL greets with the number of the process that serves the session. A pooler greets
        with a number of its own: it has many such processes, and none that is ours.
        """
        number = connection.get_server_pid()
        status = await connection.execute(f"SELECT {self._keep} WHERE pg_backend_pid() = {number}")
        return bool(status == "SELECT 1")


def _opened(dialect: Dialect, arguments: list[Any], keywords: dict[str, Any]) -> Any:  # noqa: ANN401
    """Connect. Raises SessionRefused where the server's state would be taken for a statement's."""
    try:
        return dialect.connect(*arguments, **keywords)
    except dialect.loaded_dbapi.Error as fault:
        if is_unavailable(fault):
            raise
        raise SessionRefused from fault.__cause__ or fault


def set_locally(settings: Mapping[str, str]) -> str:
    """Return the statements that let settings hold until the transaction ends."""
    return " ".join(f"SET LOCAL {name} = '{value}';" for name, value in settings.items())
