"""A clock that a test sets."""

import random
from datetime import UTC, datetime, timedelta

from typing_extensions import override

from app.runtime.clock import Clock, SystemClock


class HandClock:
    """Stands still until it is moved; sleeping moves it."""

    def __init__(self, now: datetime = datetime(2026, 1, 11, 12, 46, 3, tzinfo=UTC)) -> None:
        self._now = now
        self._elapsed = 0.0
        self.random = random.Random(7)  # noqa: S311  a test repeats itself

    def now(self) -> datetime:
        return self._now

    def monotonic(self) -> float:
        return self._elapsed

    async def sleep(self, seconds: float) -> None:
        self.advance(seconds)

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self._now += timedelta(seconds=seconds)
        self._elapsed += seconds


class SkewedClock(SystemClock):
    """The machine's clock, set wrong by so much; durations are real."""

    def __init__(self, ahead_seconds: float = 0.0) -> None:
        super().__init__()
        self.ahead = timedelta(seconds=ahead_seconds)

    @override
    def now(self) -> datetime:
        return super().now() + self.ahead


_: tuple[Clock, ...] = (HandClock(), SkewedClock())
