"""The database's clock, read on the process's own monotonic clock.

Every time that is stored, or compared with a stored one, is the database's: replicas agree, whatever
the clocks of their machines show. The distance is measured by each new connection, so that nothing
can be stored before it is known, and again every few seconds, as after a failover behind a pooler.
To ask for the time then takes no statement.
"""

import random
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Final

import asyncpg
from sqlalchemy import AdaptedConnection, Engine, event
from sqlalchemy.pool import ConnectionPoolEntry

from app.runtime.clock import Clock

# NTP keeps machines within milliseconds; a statement that waits for long looks like a second or two.
MAX_SKEW_SECONDS: Final = 5.0
# By its full name: a search path may put another function of this name before it.
TIME: Final = "SELECT pg_catalog.clock_timestamp()"


class TimeUnknown(Exception):
    """The database has not told its time yet: it has not been reached since the process began."""


class DatabaseClock:
    """A `Clock` whose wall clock is the database's; all else is the machine's."""

    def __init__(self, machine: Clock) -> None:
        """Know nothing of the database's time yet; `machine` measures what passes."""
        self._machine = machine
        self._at_zero: datetime | None = None  # the database's time at zero of the monotonic clock

    @property
    def random(self) -> random.Random:
        return self._machine.random

    def now(self) -> datetime:
        """Return the database's time, aware, in UTC. Raises TimeUnknown."""
        if self._at_zero is None:
            raise TimeUnknown("the database has not been reached yet")
        return self._at_zero + timedelta(seconds=self._machine.monotonic())

    def monotonic(self) -> float:
        return self._machine.monotonic()

    async def sleep(self, seconds: float) -> None:
        await self._machine.sleep(seconds)

    def skew_seconds(self) -> float | None:
        """Return by how much the machine's clock is ahead; None while it is not known."""
        if self._at_zero is None:
            return None
        return (self._machine.now() - self.now()).total_seconds()

    def is_right(self) -> bool:
        """Say whether the machine's clock is known to agree with the database's."""
        skew = self.skew_seconds()
        return skew is not None and abs(skew) <= MAX_SKEW_SECONDS

    def attach(self, engine: Engine) -> None:
        """Measure by every connection that this engine opens from now on."""
        event.listen(engine, "connect", self._measure_by_new)

    async def measure(self, ask: Callable[[], Awaitable[datetime]]) -> None:
        """Learn the time that `ask` returns, which the database tells meanwhile."""
        asked_at = self._machine.monotonic()
        told = await ask()
        self.learn(told, asked_at, self._machine.monotonic())

    def learn(self, told: datetime, asked_at: float, answered_at: float) -> None:
        """Learn that the database told a time between two moments of the monotonic clock, in seconds.

        What is known stays where the answer bears it out: a slow answer is no better measurement.
        """
        took = timedelta(seconds=answered_at - asked_at)
        if self._at_zero is not None:
            believed = self._at_zero + timedelta(seconds=answered_at)
            if told <= believed <= told + took:
                return
        self._at_zero = told + took / 2 - timedelta(seconds=answered_at)

    def _measure_by_new(self, connection: AdaptedConnection, _record: ConnectionPoolEntry) -> None:
        try:
            connection.run_async(self._measure_by)
        except BaseException:
            connection.driver_connection.terminate()
            raise

    async def _measure_by(self, connection: asyncpg.Connection) -> None:
        async with connection.transaction():  # a pooler lends its server for no less
            await self.measure(partial(connection.fetchval, TIME))
