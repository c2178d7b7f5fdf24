"""psycopg's pool for the engine of the jobs, which leaves nothing to the session of the server.

Its queries name neither a schema nor a timeout. A connection's own settings would not last behind a
pooler (app.runtime.db.connecting says why), so each transaction begins with them.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool, PoolTimeout
from typing_extensions import override

from app.runtime.db.connecting import set_locally


class BeginningPool(AsyncConnectionPool[AsyncConnection]):
    """A pool that lends a connection for one transaction, which begins with settings."""

    def __init__(
        self,
        *,
        settings: Mapping[str, str],
        kwargs: dict[str, Any],
        **given: Any,  # noqa: ANN401
    ) -> None:
        """Begin each transaction with `settings`; the other arguments are those of the pool."""
        self._begin_with = set_locally(settings)
        # None: the next transaction may meet a session that knows of no prepared statement.
        self._connect_with = kwargs | {"prepare_threshold": None}
        super().__init__(kwargs=self._connect_with, **given)

    @override
    @asynccontextmanager
    async def connection(self, timeout: float | None = None) -> AsyncIterator[AsyncConnection]:
        """Lend a connection, and commit when it comes back."""
        async with super().connection(timeout) as connection:
            await connection.execute(self._begin_with)
            yield connection

    @override
    async def getconn(self, timeout: float | None = None) -> AsyncConnection:
        """Take a connection. Raises psycopg.Error, with the reason why there is none."""
        try:
            return await super().getconn(timeout)
        except PoolTimeout:  # it does not say why nobody could connect: the server does
            async with await AsyncConnection.connect(**self._connect_with):
                raise
