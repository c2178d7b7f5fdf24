"""A number of turns at something that takes long, for which nobody waits without end."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class NoTurn(Exception):
    """All turns were taken for as long as one may wait; the same request may succeed later."""


class Turns:
    """So many bodies run at once; whoever comes then waits in line, for a limited time."""

    def __init__(self, at_once: int, *, within_seconds: float) -> None:
        """All turns are free."""
        self._free = asyncio.Semaphore(at_once)
        self._within_seconds = within_seconds

    def all_taken(self) -> bool:
        """Say whether whoever comes now has to wait."""
        return self._free.locked()

    @asynccontextmanager
    async def one(self) -> AsyncIterator[None]:
        """Run the body in a turn. Raises NoTurn, and does not run it, when none comes in time."""
        try:
            async with asyncio.timeout(self._within_seconds):
                await self._free.acquire()
        except TimeoutError:
            raise NoTurn(f"no turn came within {self._within_seconds:g} seconds") from None
        try:
            yield
        finally:
            self._free.release()
