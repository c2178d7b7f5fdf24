"""Running ticks again and again until told to stop; a tick that fails is logged and tried again."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Final

from app.db.failures import is_database_away
from app.observability.logging import get_logger
from app.worker.heartbeats import Heartbeats

log = get_logger(__name__)

# How long a loop may take to finish what is in flight once it was told to stop.
GRACE_SECONDS: Final = 2.0
_AFTER_FAULT_SECONDS: Final = 1.0


@dataclass(frozen=True)
class Loop:
    """A tick and how long to rest when it found nothing to do.

    The tick returns whether it did something: then the next one follows at once.
    """

    name: str
    tick: Callable[[], Awaitable[bool]]
    rest_seconds: float


async def repeat(loop: Loop, heartbeats: Heartbeats, stopping: asyncio.Event) -> None:
    """Run a loop until `stopping` is set."""
    heartbeats.beat(loop.name)
    while not stopping.is_set():
        rest_seconds = await _tick(loop, heartbeats)
        if rest_seconds > 0:
            with suppress(TimeoutError):
                async with asyncio.timeout(rest_seconds):
                    await stopping.wait()


async def _tick(loop: Loop, heartbeats: Heartbeats) -> float:
    """Run one tick; return how long to rest after it. Only a tick that succeeds is a heartbeat."""
    try:
        busy = await loop.tick()
    except Exception as fault:
        if is_database_away(fault):
            log.warning("database_away", loop=loop.name, error=type(fault).__name__)
        else:
            log.exception("tick_failed", loop=loop.name)
        return _AFTER_FAULT_SECONDS
    heartbeats.beat(loop.name)
    return 0.0 if busy else loop.rest_seconds


@asynccontextmanager
async def running(loops: list[Loop], heartbeats: Heartbeats) -> AsyncIterator[None]:
    """Run loops beside the body; on the way out, let them finish what is in flight."""
    stopping = asyncio.Event()
    tasks = [asyncio.create_task(repeat(loop, heartbeats, stopping)) for loop in loops]
    try:
        yield
    finally:
        stopping.set()
        _, unfinished = await asyncio.wait(tasks, timeout=GRACE_SECONDS)
        for task in unfinished:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
