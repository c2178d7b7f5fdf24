"""An event loop whose time jumps to the next timer, and the clocks that are read on it.

The rest of asyncio is as it always is: sleeping, timeouts, tasks and cancelling run unchanged.
"""

import asyncio
import random
import selectors
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final

from typing_extensions import override

# Where every simulated day begins.
BEGIN: Final = datetime(2026, 1, 11, tzinfo=UTC)
# Real work outside of the loop that brings nothing for so long is stuck.
_STUCK_SECONDS: Final = 30.0

Events = list[tuple[selectors.SelectorKey, int]]


class Deadlock(RuntimeError):
    """Every task waits, and no timer will ever wake one."""


class _JumpingSelector(selectors.DefaultSelector):
    """Waits for no timer: moves the time instead, unless real work is under way."""

    def __init__(self, at_work: Callable[[], bool] | None) -> None:
        super().__init__()
        self.elapsed = 0.0
        self._at_work = at_work

    @override
    def select(self, timeout: float | None = None) -> Events:
        if self._at_work is not None:
            events = self._really_select(timeout)
            if events or self._at_work():
                return events
        if timeout is None:
            raise Deadlock("nothing will ever wake the tasks that wait")
        if timeout > 0:
            self.elapsed += timeout
        return []

    def _really_select(self, timeout: float | None) -> Events:
        waits = self._at_work is not None and self._at_work() and timeout != 0
        events = super().select(_STUCK_SECONDS if waits else 0)
        if waits and not events:
            raise Deadlock(f"work outside of the loop brought nothing for {_STUCK_SECONDS:g} s")
        return events


class VirtualLoop(asyncio.SelectorEventLoop):
    """A loop whose time jumps.

    While `at_work()` is true the time stands and the loop waits for its sockets; without it there
    are no sockets, and a run depends on nothing outside of the process.
    """

    def __init__(self, at_work: Callable[[], bool] | None = None) -> None:
        self._jumping = _JumpingSelector(at_work)
        super().__init__(self._jumping)

    @override
    def time(self) -> float:
        return self._jumping.elapsed


class SimulatedClock:
    """A `Clock` on a loop whose time jumps; its wall clock is `skew_seconds` ahead of true time."""

    def __init__(self, source: random.Random, *, skew_seconds: float = 0.0) -> None:
        self.random = source
        self._loop = asyncio.get_running_loop()
        self._begin = BEGIN + timedelta(seconds=skew_seconds)

    def now(self) -> datetime:
        return self._begin + timedelta(seconds=self._loop.time())

    def monotonic(self) -> float:
        return self._loop.time()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
