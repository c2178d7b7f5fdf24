"""When there is something to do: lets a loop skip the rounds that would find nothing.

A real loop asks four times a second. In a simulated day those rounds would cost more than the
work, and nothing can come of them.
"""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final

from app.domain.clock import Clock

_NEVER: Final = datetime(9999, 1, 1, tzinfo=UTC)


class Work(StrEnum):
    """What a loop waits for."""

    CREATIONS = "order_creations"
    LOOKS = "order_looks"


class Calendar:
    """Wakes the loops of all replicas when an order may be due.

    `earliest` returns when that is, None when nothing waits.
    """

    def __init__(self, earliest: Callable[[Work], datetime | None]) -> None:
        self._earliest = earliest
        self._sleepers: dict[Work, dict[asyncio.Future[None], datetime]] = {
            work: {} for work in Work
        }

    async def wait(self, work: Work, clock: Clock) -> None:
        """Return when an order may be due by the clock of a replica."""
        while (due := self._earliest(work)) is None or due > clock.now():
            await self._sleep(work, due or _NEVER, clock)

    def changed(self, work: Work) -> None:
        """Wake those who wait for something later than what is due first now."""
        due = self._earliest(work)
        if due is None:
            return
        for sleeper, until in self._sleepers[work].items():
            if due < until and not sleeper.done():
                sleeper.set_result(None)

    async def _sleep(self, work: Work, until: datetime, clock: Clock) -> None:
        loop = asyncio.get_running_loop()
        sleeper: asyncio.Future[None] = loop.create_future()
        self._sleepers[work][sleeper] = until
        timer = None
        if until < _NEVER:
            seconds = (until - clock.now()).total_seconds()
            timer = loop.call_later(seconds, _wake, sleeper)
        try:
            await sleeper
        finally:
            del self._sleepers[work][sleeper]
            if timer is not None:
                timer.cancel()


def _wake(sleeper: "asyncio.Future[None]") -> None:
    if not sleeper.done():
        sleeper.set_result(None)
