"""How many calls do one slow thing at once; the others wait, for a limited time."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class ConcurrencyLimitReached(Exception):
    """All permits were taken for as long as one may wait; the same request may succeed later."""


class ConcurrencyLimit:
    """So many bodies run at once; whoever comes then waits in line, for a limited time."""

    def __init__(self, at_once: int, *, within_seconds: float) -> None:
        """Allow `at_once` calls, and let others wait `within_seconds`."""
        self._free = asyncio.Semaphore(at_once)
        self._within_seconds = within_seconds

    def all_taken(self) -> bool:
        """Say whether whoever comes now has to wait."""
        return self._free.locked()

    @asynccontextmanager
    async def one(self) -> AsyncIterator[None]:
        """Run the body under a permit. Raises ConcurrencyLimitReached, and does not run it, when none comes in time."""
        try:
            async with asyncio.timeout(self._within_seconds):
                await self._free.acquire()
        except TimeoutError:
            raise ConcurrencyLimitReached(
                f"no permit within {self._within_seconds:g} seconds"
            ) from None
        try:
            yield
        finally:
            self._free.release()
