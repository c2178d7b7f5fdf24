"""When each loop last finished a round, and how often it died, for /readyz and the metrics."""

from datetime import datetime, timedelta
from typing import Final

from app.domain.clock import Clock
from app.observability.metrics import Metrics

SILENT_AFTER: Final = timedelta(seconds=60)


class Heartbeats:
    """Remembers the last round of every loop of this process."""

    def __init__(self, clock: Clock, metrics: Metrics) -> None:
        self._clock = clock
        self._metrics = metrics
        self._last: dict[str, datetime] = {}

    def beat(self, loop: str) -> None:
        """Say that a loop begins, or has finished a round."""
        now = self._clock.now()
        self._last[loop] = now
        self._metrics.loop_heartbeat.labels(loop).set(now.timestamp())

    def died(self, loop: str) -> None:
        """Say that a loop ended by itself, and will be started again."""
        self._metrics.loop_restarts.labels(loop).inc()

    def silent(self) -> list[str]:
        """Return the loops that have not finished a round for 60 s."""
        now = self._clock.now()
        return sorted(loop for loop, last in self._last.items() if now - last > SILENT_AFTER)
