"""How often one process asks one Esplora server, and how long it pauses when told to.

The servers publish no limit, so this is politeness and not a promise: each process counts for
itself, by the rule of `app.runtime.rate_limit.rules`. A server on a private host is the operator's
own, and is asked ten times as often.
"""

import re
from dataclasses import replace
from itertools import count
from typing import Final

from app.runtime.base_urls import is_on_private_host
from app.runtime.clock import Clock
from app.runtime.rate_limit.rules import (
    Limit,
    PaceState,
    wait_seconds,
    with_answer,
    with_slot,
    with_throttle,
)

LIMIT: Final = Limit(5, 1.0)
LIMIT_OF_OWN: Final = Limit(50, 1.0)
# After a 429 without a usable Retry-After, and the longest that such a header is obeyed.
PAUSE_SECONDS: Final = 10.0
LONGEST_PAUSE_SECONDS: Final = 300.0

_SECONDS: Final = re.compile(r"[0-9]{1,6}", re.ASCII)


def limit_of(url: str) -> Limit:
    """Return how often a process may ask the server at this URL."""
    return LIMIT_OF_OWN if is_on_private_host(url) else LIMIT


class ServerRateLimit:
    """The permits to ask one server."""

    def __init__(self, clock: Clock, limit: Limit) -> None:
        self._clock = clock
        self._limit = limit
        self._state = PaceState()
        self._names = (str(number) for number in count(1))

    async def take(self, *, within_seconds: float) -> str | None:
        """Wait for a permit, at most `within_seconds`; None when none comes in that time."""
        give_up_at = self._clock.monotonic() + within_seconds
        while (wait := wait_seconds(self._state, self._limit, self._clock.monotonic())) > 0:
            if self._clock.monotonic() + wait > give_up_at:
                return None
            await self._clock.sleep(wait)
        permit = next(self._names)
        self._state = with_slot(self._state, self._limit, permit, self._clock.monotonic())
        return permit

    def over(self, permit: str) -> None:
        """Say that the request of this permit is over, whatever came of it."""
        self._state = with_answer(self._state, permit, self._clock.monotonic())

    def throttled(self, permit: str, retry_after: str) -> None:
        """Say that the answer was 429: nobody asks for as long as it says, then one probes."""
        now = self._clock.monotonic()
        throttled = with_throttle(self._state, self._limit, permit, now)
        until = max(throttled.paused_until, now + _pause_seconds(retry_after))
        self._state = replace(throttled, paused_until=until)


def _pause_seconds(retry_after: str) -> float:
    if not _SECONDS.fullmatch(retry_after):
        return PAUSE_SECONDS
    return min(float(retry_after), LONGEST_PAUSE_SECONDS)
