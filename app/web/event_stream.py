"""Server-sent events (WHATWG HTML, "Server-sent events"): how a stream is written, and when it ends.

A stream lasts a quarter of an hour at most; then its client connects anew by itself. There are only
so many in a process, and all end at once when it stops, or else it would wait for them.
"""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Final

from fastapi.responses import StreamingResponse
from starlette.types import Receive, Scope, Send
from typing_extensions import override

from app.runtime.errors import DatabaseBusy
from app.runtime.observability.request_id import STREAM_BEGAN

MEDIA_TYPE: Final = "text/event-stream"
# Shorter than proxies wait for an answer to go on (nginx: 60 seconds).
KEEP_ALIVE_SECONDS: Final = 15.0
LONGEST_SECONDS: Final = 900.0
_RETRY_MILLISECONDS: Final = 3000
# nginx keeps an answer until it is whole, unless it is told not to.
_HEADERS: Final = {"X-Accel-Buffering": "no"}


@dataclass(frozen=True)
class ServerSentEvent:
    """One event; `data` is text without line breaks. `id` is what a client says to go on after it."""

    name: str
    data: str
    id: str | None = None

    def written(self) -> str:
        """Return it as a stream has it."""
        numbered = "" if self.id is None else f"id: {self.id}\n"
        return f"event: {self.name}\n{numbered}data: {self.data}\n\n"


class OpenStreams:
    """The streams that a process has open: `most` of them, and `most_of_one` about one thing."""

    def __init__(self, most: int, most_of_one: int) -> None:
        """Begin with none."""
        self._most = most
        self._most_of_one = most_of_one
        self._about = Counter[str]()
        self._wakers: set[asyncio.Event] = set()
        self._is_ending = False

    @contextmanager
    def one(self, about: str, waker: asyncio.Event) -> Iterator["OpenStream"]:
        """Count a stream that was admitted while the body runs.

        `waker` is set when there may be something to write, and when the process stops.
        """
        self._about[about] += 1
        self._wakers.add(waker)
        try:
            yield OpenStream(self, waker)
        finally:
            self._wakers.discard(waker)
            self._about[about] -= 1
            if not self._about[about]:
                del self._about[about]

    def has_most_of(self, about: str) -> bool:
        """Say whether there are as many streams about one thing as there may be."""
        return self._about[about] >= self._most_of_one

    def admit(self, about: str) -> None:
        """Raise DatabaseBusy if one more stream would be one too many."""
        if self._is_ending or len(self._wakers) >= self._most or self.has_most_of(about):
            raise DatabaseBusy

    @property
    def is_ending(self) -> bool:
        """Whether the process stops."""
        return self._is_ending

    def end(self) -> None:
        """End every stream, and admit no more."""
        self._is_ending = True
        for waker in self._wakers:
            waker.set()


class OpenStream:
    """A stream that is open: how long it may go on, and when to look again."""

    def __init__(self, streams: OpenStreams, waker: asyncio.Event) -> None:
        """Begin now."""
        self._streams = streams
        self._waker = waker
        self._until = time.monotonic() + LONGEST_SECONDS

    @property
    def goes_on(self) -> bool:
        """Whether its time is not over, and the process does not stop."""
        return not self._streams.is_ending and time.monotonic() < self._until

    async def wait(self, seconds: float = KEEP_ALIVE_SECONDS) -> None:
        """Wait until it is woken, or for so long."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._waker.wait()
        self._waker.clear()


class EventStreamResponse(StreamingResponse):
    """Answers with events as they come; None in their place keeps the connection alive."""

    def __init__(
        self,
        events: AsyncIterator[ServerSentEvent | None],
        *,
        headers: dict[str, str] | None = None,
    ) -> None:
        """Take what yields the events."""
        super().__init__(
            _written(events),
            headers={**_HEADERS, **(headers or {})},
            media_type=MEDIA_TYPE,
        )

    @override
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope.setdefault("state", {})[STREAM_BEGAN] = time.perf_counter()
        await super().__call__(scope, receive, send)


async def _written(events: AsyncIterator[ServerSentEvent | None]) -> AsyncIterator[str]:
    yield f"retry: {_RETRY_MILLISECONDS}\n\n"
    async for event in events:
        yield ":\n\n" if event is None else event.written()
