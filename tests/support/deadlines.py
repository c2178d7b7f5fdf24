"""Deadlines of modules under test that pass when the test says so, and never by themselves."""

import asyncio
from collections.abc import Collection
from types import ModuleType
from typing import Any

import httpx
import pytest


class Deadlines:
    """Stands in for `asyncio` in a module: its deadlines are on a clock that `expire` moves.

    `seconds` gathers how long each deadline was to be, in seconds.
    """

    def __init__(self) -> None:
        self.seconds: list[float] = []
        self._now = 0.0
        self._open: dict[asyncio.Timeout, float] = {}

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401  whatever else asyncio has
        return getattr(asyncio, name)

    def get_running_loop(self) -> "Deadlines":
        """Return what tells the time of the deadlines."""
        return self

    def time(self) -> float:
        """Return the seconds since the start, without those that really went by."""
        return self._now

    def timeout(self, seconds: float) -> asyncio.Timeout:
        """Return a timeout that ends when `expire` is called."""
        return self.timeout_at(self._now + seconds)

    def timeout_at(self, when: float) -> asyncio.Timeout:
        """Return a timeout that ends when `expire` is called, or at once if that time is over."""
        self.seconds.append(when - self._now)
        if when <= self._now:
            return asyncio.timeout(0)
        timeout = asyncio.timeout(None)
        self._open[timeout] = when
        return timeout

    def expire(self) -> None:
        """Let time pass until every deadline that was set is over."""
        self._now = max(self._open.values(), default=self._now)
        now = asyncio.get_running_loop().time()
        expiring, self._open = self._open, {}
        for timeout in expiring:
            try:
                timeout.reschedule(now)
            except RuntimeError:  # what it bounded has ended
                continue


class Grace:
    """Stands in for `asyncio` where tasks get a time to end: here they have it for `patience_seconds`.

    `seconds` gathers how long each time was to be, in seconds; `cut_off` counts the tasks that had not
    ended.
    """

    def __init__(self, patience_seconds: float) -> None:
        self.seconds: list[float] = []
        self.cut_off = 0
        self._patience_seconds = patience_seconds

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401  whatever else asyncio has
        return getattr(asyncio, name)

    async def wait(
        self,
        tasks: Collection[asyncio.Task[Any]],
        timeout: float | None = None,  # noqa: ASYNC109  as asyncio has it
    ) -> tuple[set[asyncio.Task[Any]], set[asyncio.Task[Any]]]:
        """Wait for tasks as `asyncio.wait` does."""
        if timeout is None:
            return await asyncio.wait(tasks)
        done, unfinished = await asyncio.wait(tasks, timeout=self._patience_seconds)
        self.seconds.append(timeout)
        self.cut_off += len(unfinished)
        return done, unfinished


class Silence:
    """A server that takes a request and never answers, until every deadline has passed."""

    def __init__(self, deadlines: Deadlines) -> None:
        self._deadlines = deadlines

    async def __call__(self, _request: httpx.Request) -> httpx.Response:
        self._deadlines.expire()
        await asyncio.Event().wait()
        raise AssertionError


def hold_deadlines(patch: pytest.MonkeyPatch, *modules: ModuleType) -> Deadlines:
    """Let the deadlines of these modules pass only when the test says so, while `patch` lasts."""
    deadlines = Deadlines()
    for module in modules:
        patch.setattr(module, "asyncio", deadlines)
    return deadlines


def hold_grace(
    patch: pytest.MonkeyPatch, module: ModuleType, *, patience_seconds: float = 60
) -> Grace:
    """Let whoever stops get the time that the test gives, while `patch` lasts."""
    grace = Grace(patience_seconds)
    patch.setattr(module, "asyncio", grace)
    return grace
