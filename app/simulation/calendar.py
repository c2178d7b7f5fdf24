"""When there is something to do: lets a loop skip the rounds that would find nothing.

A real loop asks four times a second. In a simulated day those rounds would cost more than the
work, and nothing can come of them.
"""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final

from app.runtime.clock import Clock

_NEVER: Final = datetime(9999, 1, 1, tzinfo=UTC)
# A round of a loop must not take long, or it counts as stuck.
_AT_MOST_SECONDS: Final = 40.0


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

    async def wait(self, work: Work, clock: Clock) -> bool:
        """Wait a while for an order that may be due by a replica's clock; say whether one is."""
        loop = asyncio.get_running_loop()
        give_up_at = loop.time() + _AT_MOST_SECONDS
        while (due := self._earliest(work) or _NEVER) > clock.now():
            if loop.time() >= give_up_at:
                return False
            until_due = (due - clock.now()).total_seconds()
            await self._sleep(work, due, min(until_due, give_up_at - loop.time()))
        return True

    def changed(self, work: Work) -> None:
        """Wake those who wait for something later than what is due first now."""
        if not self._sleepers[work]:
            return
        due = self._earliest(work)
        if due is None:
            return
        for sleeper, until in self._sleepers[work].items():
            if due < until and not sleeper.done():
                sleeper.set_result(None)

    async def _sleep(self, work: Work, until: datetime, seconds: float) -> None:
        loop = asyncio.get_running_loop()
        sleeper: asyncio.Future[None] = loop.create_future()
        self._sleepers[work][sleeper] = until
        timer = loop.call_later(seconds, _wake, sleeper)
        try:
            await sleeper
        finally:
            del self._sleepers[work][sleeper]
            timer.cancel()


def _wake(sleeper: "asyncio.Future[None]") -> None:
    if not sleeper.done():
        sleeper.set_result(None)
