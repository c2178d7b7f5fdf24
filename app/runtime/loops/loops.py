"""Running ticks again and again until told to stop, whatever happens to them.

A tick that fails is logged and tried again. A loop that dies, or whose tick is stuck, is started
again: by a supervisor, one for each loop, or for whatever else must keep running.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractContextManager, asynccontextmanager, nullcontext, suppress
from dataclasses import dataclass
from typing import Final, Protocol

from app.runtime.db.failures import unavailability
from app.runtime.loops.heartbeats import Heartbeats
from app.runtime.loops.outages import Outage
from app.runtime.loops.waking import Waking
from app.runtime.observability.logging import get_logger

log = get_logger(__name__)

# How long a loop may take to finish what is in flight once it was told to stop.
GRACE_SECONDS: Final = 2.0
# No tick takes this long: it waits for a slot for seconds, for a partner 10 s, for a statement 5 s.
# And it is short enough to be noticed before a loop counts as silent.
STUCK_AFTER_SECONDS: Final = 45.0
AFTER_FAULT_SECONDS: Final = 1.0
_BEFORE_RESTART_SECONDS: Final = 1.0


class Stuck(Exception):
    """A tick did not come back, and was cancelled."""


class Supervised(Protocol):
    """What runs until `stopping` is set; to end in any other way is to die."""

    @property
    def name(self) -> str:
        """What its heartbeats are called."""
        ...

    async def run(self, heartbeats: Heartbeats, stopping: asyncio.Event) -> None:
        """Run until `stopping` is set."""
        ...


@dataclass(frozen=True)
class Loop:
    """A tick and how long to rest when it found nothing to do.

    The tick returns whether it did something: then the next one follows at once. With a `waking`,
    the rest ends when that knows of something to do.
    """

    name: str
    tick: Callable[[], Awaitable[bool]]
    rest_seconds: float
    waking: Waking | None = None

    async def run(self, heartbeats: Heartbeats, stopping: asyncio.Event) -> None:
        """Tick until `stopping` is set. Raises Stuck."""
        outage = Outage(self.name)
        with self._told() as told:
            while not stopping.is_set():
                told.clear()
                pause_seconds = await _tick(self, heartbeats, outage)
                if pause_seconds is None:
                    await _rest_until_either(self._idle_seconds(), stopping, told)
                elif pause_seconds > 0:
                    await rest(pause_seconds, stopping)

    def _told(self) -> AbstractContextManager[asyncio.Event]:
        return self.waking.subscribed() if self.waking else nullcontext(asyncio.Event())

    def _idle_seconds(self) -> float:
        return self.waking.rest_seconds(self.rest_seconds) if self.waking else self.rest_seconds


async def rest(seconds: float, stopping: asyncio.Event) -> None:
    """Rest for so long, or until `stopping` is set."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await stopping.wait()


async def _rest_until_either(seconds: float, *events: asyncio.Event) -> None:
    """Rest for so long, or until one of the events is set."""
    waits = [asyncio.create_task(event.wait()) for event in events]
    try:
        await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()


async def _tick(loop: Loop, heartbeats: Heartbeats, outage: Outage) -> float | None:
    """Run one tick; return how long to pause after it, None when it found nothing to do.

    Only a tick that succeeds is a heartbeat.
    """
    limit = asyncio.timeout(STUCK_AFTER_SECONDS)
    try:
        async with limit:
            busy = await loop.tick()
    except Exception as fault:
        if limit.expired():
            raise Stuck(f"a tick took longer than {STUCK_AFTER_SECONDS} s") from fault
        why = unavailability(fault)
        if why is not None:
            return outage.go_on(why, fault, AFTER_FAULT_SECONDS)
        log.exception("tick_failed", loop=loop.name)
        return AFTER_FAULT_SECONDS
    outage.end()
    heartbeats.beat(loop.name)
    return 0.0 if busy else None


async def supervise(loop: Supervised, heartbeats: Heartbeats, stopping: asyncio.Event) -> None:
    """Run a loop until `stopping` is set, and start it again whenever it dies.

    It runs in a task of its own: what cancels that one did not mean us. To begin counts as a
    heartbeat, to begin again does not, so that a loop that keeps dying falls silent.
    """
    heartbeats.begin(loop.name)
    while not stopping.is_set():
        body = asyncio.create_task(loop.run(heartbeats, stopping), name=f"loop {loop.name}")
        try:
            await asyncio.wait({body})
        finally:
            body.cancel()
            [death] = await asyncio.gather(body, return_exceptions=True)
        if death is None:  # it was told to stop
            return
        heartbeats.died(loop.name)
        log.error("loop_died", loop=loop.name, exc_info=death)
        await rest(_BEFORE_RESTART_SECONDS, stopping)


@asynccontextmanager
async def running(loops: Sequence[Supervised], heartbeats: Heartbeats) -> AsyncIterator[None]:
    """Run loops beside the body; on the way out, let them finish what is in flight."""
    stopping = asyncio.Event()
    tasks = [asyncio.create_task(supervise(loop, heartbeats, stopping)) for loop in loops]
    try:
        yield
    finally:
        stopping.set()
        _, unfinished = await asyncio.wait(tasks, timeout=GRACE_SECONDS)
        for task in unfinished:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
