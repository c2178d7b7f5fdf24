"""The pool of connections, and who gets the next one: work that has begun goes before a new request."""

import asyncio
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Final

from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.pool import AsyncAdaptedQueuePool, ConnectionPoolEntry
from sqlalchemy.util import await_only
from typing_extensions import override


class RequestWait:
    """How long one request may still wait for connections, in seconds.

    It waits `timeout_seconds` at most for its first, and as long again for all later ones together.
    """

    def __init__(self) -> None:
        """Begin with a request that has had no connection."""
        self.admitted = False
        self._waited_seconds = 0.0

    def seconds_left(self, timeout_seconds: float) -> float:
        """Return how long it may still wait where one wait has this limit."""
        return max(0.0, timeout_seconds - self._waited_seconds)

    def count(self, waited_seconds: float) -> None:
        """Count a wait that ended with a connection."""
        self._waited_seconds = self._waited_seconds + waited_seconds if self.admitted else 0.0
        self.admitted = True


_current: Final[ContextVar[RequestWait | None]] = ContextVar("request_wait", default=None)


@contextmanager
def waiting_as_one_request() -> Iterator[None]:
    """Count what the body waits for connections as the waits of one request."""
    token = _current.set(RequestWait())
    try:
        yield
    finally:
        _current.reset(token)


class Places:
    """A number of places. Whoever is in a request that has had none waits behind all others."""

    def __init__(self, count: int) -> None:
        """All places are free."""
        self._free = count
        self._begun: deque[asyncio.Future[None]] = deque()
        self._new: deque[asyncio.Future[None]] = deque()

    def take_free(self) -> bool:
        """Take a place if one is free; say whether."""
        if self._free == 0:
            return False
        self._free -= 1
        wait = _current.get()
        if wait is not None:
            wait.count(0.0)
        return True

    async def take(self, timeout_seconds: float) -> None:
        """Wait for a place. Raises TimeoutError when it takes too long."""
        loop, wait = asyncio.get_running_loop(), _current.get()
        waiting = self._begun if wait is None or wait.admitted else self._new
        turn: asyncio.Future[None] = loop.create_future()
        waiting.append(turn)
        began = loop.time()
        try:
            async with asyncio.timeout(
                wait.seconds_left(timeout_seconds) if wait else timeout_seconds
            ):
                await turn
        except BaseException:
            if turn.done() and not turn.cancelled():  # it was given a place in this very moment
                self.give_back()
            turn.cancel()
            raise
        if wait is not None:
            wait.count(loop.time() - began)

    def give_back(self) -> None:
        """Hand a place on to who waits for one, or keep it free."""
        for waiting in (self._begun, self._new):
            while waiting:
                turn = waiting.popleft()
                if not turn.done():
                    turn.set_result(None)
                    return
        self._free += 1


class OrderedPool(AsyncAdaptedQueuePool):
    """A pool of SQLAlchemy whose connections are lent in the order of Places.

    Without it a request waits for each connection anew, behind every request that came later: of
    many parallel ones all take long, and none is refused before it has cost most of its work.
    """

    def __init__(self, creator: Any, pool_size: int, **options: Any) -> None:  # noqa: ANN401
        """Take what QueuePool takes; there is no overflow."""
        super().__init__(creator, pool_size, **options)
        self._places = Places(pool_size)

    @override
    def _do_get(self) -> ConnectionPoolEntry:
        if not self._places.take_free():
            self._wait_for_place()
        try:
            return super()._do_get()
        except BaseException:
            self._places.give_back()
            raise

    def _wait_for_place(self) -> None:
        try:
            await_only(self._places.take(self._timeout))
        except TimeoutError:
            raise PoolTimeout(
                f"all {self.size()} connections of the pool were lent for {self._timeout:g} seconds"
            ) from None

    @override
    def _do_return_conn(self, record: ConnectionPoolEntry) -> None:
        super()._do_return_conn(record)
        self._places.give_back()
