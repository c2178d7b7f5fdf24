"""How late the event loop is: what blocks it holds up every request of the process."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from app.runtime.background import running_beside
from app.runtime.observability.metrics import Metrics

_EVERY_SECONDS: Final = 0.05


@asynccontextmanager
async def lag_observed(metrics: Metrics) -> AsyncIterator[None]:
    """Measure beside the body, twenty times a second, by how much a sleep lasts too long."""
    async with running_beside(_observe(metrics), "event loop lag"):
        yield


async def _observe(metrics: Metrics) -> None:
    time = asyncio.get_running_loop().time
    while True:
        due = time() + _EVERY_SECONDS
        await asyncio.sleep(_EVERY_SECONDS)
        metrics.event_loop_lag_seconds.observe(max(0.0, time() - due))
