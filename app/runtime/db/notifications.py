"""What processes tell each other through PostgreSQL (LISTEN and NOTIFY), over one connection each.

A notification only says that it is worth looking now. One may be lost, as while the connection is
away, so whoever waits for some looks again after a while all the same. Behind a pooler nothing is
heard of other processes: it takes the connection to PostgreSQL away after each transaction.
"""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final

import asyncpg

from app.runtime.db.failures import is_database_fault, reason_of
from app.runtime.db.libpq import for_asyncpg
from app.runtime.db.urls import read_database_url
from app.runtime.observability.logging import get_logger

log = get_logger(__name__)

_ABOUT_ALL: Final = ""
# Each transaction that notifies waits for the others, and for the disk. So a process tells what has
# come together in so long by one.
_TOLD_EVERY_SECONDS: Final = 0.05
_AGAIN_SECONDS: Final = 2.0
# A connection that broke without a word is noticed after so long.
_CHECKED_EVERY_SECONDS: Final = 60.0
_ANSWERED_WITHIN_SECONDS: Final = 5.0
_TELL: Final = """
    SELECT pg_catalog.pg_notify(told.channel, told.key)
    FROM unnest($1::text[], $2::text[]) AS told(channel, key)"""


# Shared, for several processes may wait; a trigger tries it alone (migrations/versions/0030).
_LOCK: Final = """
    SELECT pg_catalog.pg_advisory_lock_shared(pg_catalog.hashtextextended(name, 0))
    FROM unnest($1::text[]) AS name"""
_UNLOCK: Final = _LOCK.replace("pg_advisory_lock_shared", "pg_advisory_unlock_shared")


class Notifications:
    """What one process tells others and hears of them.

    A channel is a name in PostgreSQL, so triggers may tell something, too. A key says what a
    notification is about, as an account's id; one without a key is about all.
    """

    def __init__(self, url: str) -> None:
        """Connect to where `url` leads, once somebody has subscribed."""
        self._url = url
        self._subscribers: dict[str, dict[str, set[asyncio.Event]]] = {}
        self._awaited = Counter[tuple[str, str]]()
        self._untold: dict[tuple[str, str], None] = {}
        self._work = asyncio.Event()  # a channel, something to tell, or the end of the connection
        self._own_pid: int | None = None
        self._told_reason: str | None = None

    @property
    def are_heard(self) -> bool:
        """Whether notifications of other processes are heard now."""
        return self._own_pid is not None

    @contextmanager
    def subscribed(self, channel: str, key: str = _ABOUT_ALL) -> Iterator[asyncio.Event]:
        """Yield an event that is set by each notification about `key`; without one, by every one.

        It is set, too, when some may have been missed. Clear it before you look at what it is about.
        """
        event = asyncio.Event()
        keys = self._subscribers.setdefault(channel, defaultdict(set))
        keys[key].add(event)
        self._work.set()
        try:
            yield event
        finally:
            keys[key].discard(event)
            if not keys[key]:
                del keys[key]

    @contextmanager
    def awaited(self, channel: str, key: str) -> Iterator[asyncio.Event]:
        """Subscribe, and hold a lock by which a trigger sees that somebody waits for this key.

        Where nobody does, it need not notify. Whoever takes the lock waits for transactions that have
        tried it before, so that none is missed.
        """
        self._awaited[channel, key] += 1
        self._work.set()
        try:
            with self.subscribed(channel, key) as event:
                yield event
        finally:
            self._awaited[channel, key] -= 1
            if not self._awaited[channel, key]:
                del self._awaited[channel, key]
                self._work.set()

    def notify(self, channel: str, key: str = _ABOUT_ALL) -> None:
        """Wake the subscribers of this process now, and those of others within a moment.

        Others are told while this process hears them; what was told about must be committed.
        """
        self.wake(channel, key)
        if self.are_heard:
            self._untold[channel, key] = None
            self._work.set()

    def wake(self, channel: str, key: str = _ABOUT_ALL) -> None:
        """Wake the subscribers of this process alone."""
        keys = self._subscribers.get(channel, {})
        for about in list(keys) if key == _ABOUT_ALL else (key, _ABOUT_ALL):
            for event in keys.get(about, ()):
                event.set()

    async def listen(self) -> None:
        """Hear and tell until cancelled, or until a pooler answers; connect whenever it takes."""
        await self._work.wait()
        while True:
            try:
                if not await self._converse():
                    log.info("notifications_not_heard", reason="a pooler answers")
                    return
            except Exception as fault:
                self._say(fault)
            await asyncio.sleep(_AGAIN_SECONDS)

    async def _converse(self) -> bool:
        """Hear and tell until the connection ends; False: it does not keep a session."""
        connection: Any = await asyncpg.connect(**for_asyncpg(read_database_url(self._url)))
        try:
            pid = await connection.fetchval("SELECT pg_catalog.pg_backend_pid()")
            if pid != connection.get_server_pid():
                return False
            connection.add_termination_listener(lambda _: self._work.set())
            self._own_pid, self._told_reason = pid, None
            heard: set[str] = set()
            locked: set[tuple[str, str]] = set()
            while not connection.is_closed():
                self._work.clear()
                await self._hear_new(connection, heard)
                await self._lock_awaited(connection, locked)
                await self._tell_others(connection)
                with suppress(TimeoutError):
                    async with asyncio.timeout(_CHECKED_EVERY_SECONDS):
                        await self._work.wait()
                        continue
                await connection.execute("SELECT 1", timeout=_ANSWERED_WITHIN_SECONDS)
        finally:
            self._own_pid = None
            self._untold.clear()
            await _close(connection)
        return True

    async def _hear_new(self, connection: Any, heard: set[str]) -> None:  # noqa: ANN401  no types
        for channel in self._subscribers.keys() - heard:
            await connection.add_listener(channel, self._hear)
            heard.add(channel)
            self.wake(channel)  # what was told meanwhile

    async def _lock_awaited(self, connection: Any, locked: set[tuple[str, str]]) -> None:  # noqa: ANN401
        gone, new = locked - self._awaited.keys(), self._awaited.keys() - locked
        for keys, statement in ((gone, _UNLOCK), (new, _LOCK)):
            if keys:
                names = [f"{channel}:{key}" for channel, key in keys]
                await connection.execute(statement, names, timeout=_ANSWERED_WITHIN_SECONDS)
        locked -= gone
        locked |= new
        for channel, key in new:
            self.wake(channel, key)  # what was told meanwhile

    async def _tell_others(self, connection: Any) -> None:  # noqa: ANN401
        if not self._untold:
            return
        told, self._untold = self._untold, {}
        channels, keys = zip(*told, strict=True)
        await connection.execute(_TELL, channels, keys, timeout=_ANSWERED_WITHIN_SECONDS)
        await asyncio.sleep(_TOLD_EVERY_SECONDS)

    def _hear(self, _connection: object, pid: int, channel: str, key: str) -> None:
        if pid != self._own_pid:
            self.wake(channel, key)

    def _say(self, fault: Exception) -> None:
        """Say why notifications are not heard, each reason once; nobody starts this task again."""
        if not is_database_fault(fault):
            log.exception("notifications_failed")
        elif (reason := reason_of(fault)) != self._told_reason:
            log.warning("notifications_not_heard", reason=reason)
            self._told_reason = reason


async def _close(connection: Any) -> None:  # noqa: ANN401
    """Close a connection, whatever state it is in."""
    try:
        await connection.close(timeout=_ANSWERED_WITHIN_SECONDS)
    except Exception as fault:  # it is gone already
        log.debug("notifications_not_closed", reason=reason_of(fault))
        connection.terminate()
