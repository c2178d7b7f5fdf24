"""When each loop last finished a round, and how often it died, for /readyz and the metrics.

What the loops of a process did is written to the database, too, where every other process reads it:
one that was killed shows no metrics any more.
"""

from datetime import datetime, timedelta
from typing import Final

from app.runtime.clock import Clock
from app.runtime.db.engine import Database
from app.runtime.loops import beats
from app.runtime.observability.metrics import Metrics

SILENT_AFTER: Final = timedelta(seconds=60)


class Heartbeats:
    """Remembers the last round of every loop of this process."""

    def __init__(self, clock: Clock, metrics: Metrics) -> None:
        self._clock = clock
        self._metrics = metrics
        self._last: dict[str, datetime] = {}
        self._finished: dict[str, float] = {}

    def begin(self, loop: str) -> None:
        """Say that a loop begins: from now on it may be silent."""
        self._note(loop)

    def beat(self, loop: str) -> None:
        """Say that a loop has finished a round."""
        self._note(loop)
        self._finished[loop] = self._clock.monotonic()

    async def save(self, database: Database) -> None:
        """Write the last rounds down for every process to see."""
        now = self._clock.monotonic()
        ages = {loop: timedelta(seconds=now - at) for loop, at in self._finished.items()}
        if ages:
            await beats.save(database, ages)

    def _note(self, loop: str) -> None:
        now = self._clock.now()
        self._last[loop] = now
        self._metrics.loop_heartbeat.labels(loop).set(now.timestamp())

    def died(self, loop: str) -> None:
        """Say that a loop ended by itself, and will be started again."""
        self._metrics.loop_restarts.labels(loop).inc()

    def silent(self) -> list[str]:
        """Return the loops that have not finished a round for 60 s."""
        if not self._last:
            return []  # none has begun, as before the database has told its time
        now = self._clock.now()
        return sorted(loop for loop, last in self._last.items() if now - last > SILENT_AFTER)
