"""Statements on the driver itself, for what every request asks: one message there, and one back.

They are written as SQL, once, beside their feature. A session or a connection of SQLAlchemy costs
several times what the driver needs for the same statement, and PostgreSQL, too. The connections are
those of the engine's pool.
"""

import re
from collections.abc import Mapping
from typing import Any, Final, TypeAlias

import asyncpg
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.pool import PoolProxiedConnection

from app.runtime.db.connecting import BeginningConnection, Connecting, Reach
from app.runtime.db.writability import Writability

# `:name`, and not a cast as in `::text`.
_PARAMETER: Final = re.compile(r"(?<![:\w]):([a-z]\w*)")

DriverRow: TypeAlias = asyncpg.Record


class Statement:
    """SQL whose parameters have names, as in `:order_id`; the driver knows them by numbers."""

    def __init__(self, sql: str) -> None:
        """Number the parameters, each name once."""
        self._names = tuple(dict.fromkeys(_PARAMETER.findall(sql)))
        numbers = {name: f"${number}" for number, name in enumerate(self._names, 1)}
        self.sql = _PARAMETER.sub(lambda found: numbers[found[1]], sql)

    def arguments(self, values: Mapping[str, object]) -> list[object]:
        """Return the values in the order of their numbers. Raises KeyError for one that lacks."""
        return [values[name] for name in self._names]


class DirectStatements:
    """Runs single statements on lent connections, outside of any transaction block."""

    def __init__(
        self, engine: AsyncEngine, connecting: Connecting, writability: Writability
    ) -> None:
        """Lend connections of `engine`; `writability` learns what the statements show."""
        self._engine = engine
        self._connecting = connecting
        self._writability = writability

    async def fetch(self, statement: Statement, values: Mapping[str, object]) -> list[DriverRow]:
        """Run a statement and return its rows; its changes are committed.

        Raises what the driver raises, whose reason `runtime/db/failures.py` knows, and
        sqlalchemy.exc.TimeoutError when no connection comes free.
        """
        lent = await self._engine.raw_connection()
        driver: Any = lent.driver_connection
        try:
            rows = await self._run(driver, statement.sql, statement.arguments(values))
        except BaseException as fault:
            self._judge(fault, statement, lent)
            if isinstance(fault, asyncpg.InterfaceError) and driver.is_closed():
                raise asyncpg.ConnectionDoesNotExistError(str(fault)) from fault
            raise
        else:
            self._writability.forget_refusal(statement.sql)
            return rows
        finally:
            if lent.is_valid:
                lent.close()

    async def _run(
        self, driver: BeginningConnection, sql: str, arguments: list[object]
    ) -> list[DriverRow]:
        rows: list[DriverRow]
        if self._connecting.reach is Reach.DIRECT:
            rows = await driver.fetch(sql, *arguments)
            return rows
        async with driver.transaction():  # behind a pooler, settings begin each transaction
            rows = await driver.fetch(sql, *arguments)
        return rows

    def _judge(
        self, fault: BaseException, statement: Statement, lent: PoolProxiedConnection
    ) -> None:
        """Keep no connection that is in the midst of a statement, nor a session that is read only."""
        read_only = self._writability.see_refusal(fault, statement.sql)
        in_the_midst = isinstance(fault, asyncpg.InternalClientError)
        if read_only or in_the_midst or not isinstance(fault, Exception):
            lent.invalidate(fault)
