"""Keeping the process's time that of the database, and telling when the machine's clock is wrong."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from app.runtime.background import running_beside
from app.runtime.db.engine import Database
from app.runtime.db.failures import is_database_fault, reason_of
from app.runtime.observability.logging import get_logger
from app.runtime.observability.metrics import Metrics

log = get_logger(__name__)

_EVERY_SECONDS: Final = 4.0
# A database that takes longer is away; at the start of a process nobody waits longer for it.
_WITHIN_SECONDS: Final = 2.0


class ClockWatch:
    """Measures, and tells of a change once."""

    def __init__(self, database: Database, metrics: Metrics) -> None:
        self._database = database
        self._metrics = metrics
        self._was_right = True

    async def look(self) -> None:
        """Measure by how much the machine's clock is ahead of the database's, if that answers."""
        try:
            async with asyncio.timeout(_WITHIN_SECONDS):
                await self._database.measure_clock()
        except Exception as fault:
            if not is_database_fault(fault):
                raise
            log.debug("clock_not_measured", reason=reason_of(fault))
        skew = self._database.clock.skew_seconds()
        if skew is None:
            return
        self._metrics.clock_skew_seconds.set(skew)
        is_right = self._database.clock.is_right()
        if is_right is self._was_right:
            return
        self._was_right = is_right
        if is_right:
            log.info("clock_right", skew_seconds=round(skew, 3))
        else:
            log.error("clock_wrong", skew_seconds=round(skew, 3))


@asynccontextmanager
async def clock_watched(database: Database, metrics: Metrics) -> AsyncIterator[None]:
    """Watch the clocks beside the body, which begins after the first look."""
    watch = ClockWatch(database, metrics)
    await _look_whatever_happens(watch)
    async with running_beside(_watch(watch), "clock watch"):
        yield


async def _watch(watch: ClockWatch) -> None:
    while True:
        await asyncio.sleep(_EVERY_SECONDS)
        await _look_whatever_happens(watch)


async def _look_whatever_happens(watch: ClockWatch) -> None:
    """Look; nobody starts this task again, so a fault that no code expected is logged."""
    try:
        await watch.look()
    except Exception:
        log.exception("clock_watch_failed")
