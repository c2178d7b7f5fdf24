"""How late the event loop is: what blocks it holds up every request of the process."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from app.runtime.observability.metrics import Metrics

_EVERY_SECONDS: Final = 0.05


@asynccontextmanager
async def lag_observed(metrics: Metrics) -> AsyncIterator[None]:
    """Measure beside the body, twenty times a second, by how much a timer comes too late."""
    timer = _Timer(metrics)
    try:
        yield
    finally:
        timer.handle.cancel()


class _Timer:
    """Sets itself again and again; a task that sleeps would cost an idle process twice as much."""

    def __init__(self, metrics: Metrics) -> None:
        self._observe = metrics.event_loop_lag_seconds.observe
        self._loop = asyncio.get_running_loop()
        self._set()

    def _set(self) -> None:
        self._due = self._loop.time() + _EVERY_SECONDS
        self.handle = self._loop.call_at(self._due, self._ring)

    def _ring(self) -> None:
        self._observe(max(0.0, self._loop.time() - self._due))
        self._set()
