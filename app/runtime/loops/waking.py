"""When a loop looks again: when it is told that something may be due, or when the next thing is."""

import asyncio
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Final

from app.runtime.clock import Clock
from app.runtime.db.notifications import Notifications

# Something is due that could not be taken: its turn had not come, or another process was quicker.
_AGAIN_SECONDS: Final = 0.25
# How long a loop rests at most where it hears nothing of other processes, as behind a pooler.
_UNHEARD_SECONDS: Final = 0.5


class Waking:
    """What one loop knows of the next time at which there is something to do."""

    def __init__(self, notifications: Notifications, channel: str, key: str, clock: Clock) -> None:
        """Wake at what is told on `channel` about `key`; due times are by `clock`."""
        self._notifications = notifications
        self._channel = channel
        self._key = key
        self._clock = clock
        self._due_at: datetime | None = None

    def subscribed(self) -> AbstractContextManager[asyncio.Event]:
        """Yield the event that tells to look at once."""
        return self._notifications.subscribed(self._channel, self._key)

    def wake(self) -> None:
        """Let the loop look again: this process has changed what is due."""
        self._notifications.wake(self._channel, self._key)

    def expect(self, due_at: datetime | None) -> None:
        """Remember when the next thing is due, as was just found; None: nothing is."""
        self._due_at = due_at

    def is_due(self) -> bool:
        """Say whether what is expected is due now."""
        return self._due_at is not None and self._due_at <= self._clock.now()

    def rest_seconds(self, longest: float) -> float:
        """Return for how long there is nothing to do as far as is known, `longest` at most."""
        if self.is_due():
            return _AGAIN_SECONDS
        if not self._notifications.are_heard:
            longest = min(longest, _UNHEARD_SECONDS)
        if self._due_at is None:
            return longest
        return min(longest, (self._due_at - self._clock.now()).total_seconds())
