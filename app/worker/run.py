"""All loops of one process, started and stopped together."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from app.resources import Resources
from app.worker import housekeeping
from app.worker.heartbeats import Heartbeats
from app.worker.loops import running
from app.worker.reconciler import Reconciler


@asynccontextmanager
async def worker_running(resources: Resources) -> AsyncIterator[Heartbeats]:
    """Run every loop beside the body; on the way out, finish what is in flight."""
    heartbeats = Heartbeats(resources.clock, resources.metrics)
    reconciler = Reconciler(resources)
    try:
        async with running([*reconciler.loops(), *housekeeping.loops(resources)], heartbeats):
            yield heartbeats
    finally:
        await reconciler.drain()
