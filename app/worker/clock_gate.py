"""Runs loops only while the machine's clock agrees with the database's.

All that loops store and compare goes by the database's time. A machine whose clock is wrong still is
no place for work on orders: its log, its certificates and its other programs go by that clock.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Final

from app.resources import Resources
from app.runtime.loops.heartbeats import Heartbeats
from app.runtime.loops.loops import Supervised, rest, running

_LOOK_SECONDS: Final = 1.0


@asynccontextmanager
async def running_while_clock_is_right(
    loops: Sequence[Supervised], heartbeats: Heartbeats, resources: Resources
) -> AsyncIterator[None]:
    """Run loops beside the body, with a pause for as long as the clock is wrong or not known."""
    stopping = asyncio.Event()
    task = asyncio.create_task(_run(loops, heartbeats, resources, stopping), name="clock gate")
    try:
        yield
    finally:
        stopping.set()
        await task


async def _run(
    loops: Sequence[Supervised],
    heartbeats: Heartbeats,
    resources: Resources,
    stopping: asyncio.Event,
) -> None:
    while not stopping.is_set():
        if resources.clock_is_right:
            async with running(loops, heartbeats):
                while resources.clock_is_right and not stopping.is_set():
                    await rest(_LOOK_SECONDS, stopping)
        else:
            await rest(_LOOK_SECONDS, stopping)
