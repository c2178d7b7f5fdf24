"""One life of a replica's process, and the ways out of it: the database, the pace, the network.

A process that was killed does nothing more. Whatever of it is still in memory meets its end here,
before it can reach anything: each way out raises CancelledError in it.
"""

import asyncio
import random
from collections import Counter
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Final, TypeVar, cast

from typing_extensions import override

from app.orders.store import OrderStore
from app.partners.esplora.chain import ChainSource
from app.partners.esplora.wire import Transaction
from app.partners.http import HttpReply, OnHead, PartnerRequest, Transport
from app.runtime.rate_limit.rules import Bucket, Pace, Slot
from app.simulation.loop import SimulatedClock

T = TypeVar("T")

# A real process asks for a slot again and again; here it waits for one.
_PATIENCE_SECONDS: Final = 20.0
# How many operations another one overtakes, and how many of those take their time.
_OVERTAKEN_SHARE: Final = 0.3
_SLOW_SHARE: Final = 0.03
_SLOWEST_SECONDS: Final = 0.25


@dataclass(frozen=True)
class Dangers:
    """What may happen to the work with the database, as shares of the operations."""

    lost_before: float = 0.0  # the connection breaks, and nothing was done
    lost_after: float = 0.0  # it was done, and nobody hears of it


class Life:
    """Whether a process runs, stands still or is dead."""

    def __init__(self, source: random.Random, dangers: Dangers, counts: Counter[str]) -> None:
        self._random = source
        self._dangers = dangers
        self._counts = counts
        self._loop = asyncio.get_running_loop()
        self._stands_until = 0.0
        self._steps_left: int | None = None
        self._fate: Callable[[], None] = lambda: None
        self.alive = True

    def meet(self, fate: Callable[[], None], steps: int) -> None:
        """Let something happen to it at the so-manieth step from now, on its way out or back."""
        self._fate = fate
        self._steps_left = steps

    def end(self) -> None:
        """Kill the process."""
        self.alive = False

    def stand(self, seconds: float) -> None:
        """Stop the process for a while, as SIGSTOP does."""
        self._stands_until = self._loop.time() + seconds

    def calm(self) -> None:
        """End every danger but those that are under way."""
        self._dangers = Dangers()
        self._steps_left = None

    def step(self) -> None:
        """Go one step on the way out or back; raises CancelledError in a process that is dead."""
        if self._steps_left is not None:
            self._steps_left -= 1
            if self._steps_left <= 0:
                self._steps_left = None
                self._fate()
        if not self.alive:
            raise asyncio.CancelledError

    async def awake(self) -> None:
        """Go one step, and the next when the process runs again."""
        self.step()
        if self._stands_until:
            await self._until_it_runs()
            self.step()

    async def _until_it_runs(self) -> None:
        while self._stands_until > self._loop.time():  # noqa: ASYNC110  it may be stopped again
            await asyncio.sleep(self._stands_until - self._loop.time())
        self._stands_until = 0.0

    async def database(self, work: Coroutine[Any, Any, T]) -> T:
        """Do one piece of work at the database: it may come late, break, or be the last."""
        try:
            await self.awake()
            draw = self._random.random()
            if draw < _OVERTAKEN_SHARE:
                slow = draw < _SLOW_SHARE
                await asyncio.sleep(self._random.uniform(0, _SLOWEST_SECONDS) if slow else 0)
                self.step()
            self._may_break(self._dangers.lost_before, "database lost before")
        except BaseException:
            work.close()
            raise
        result = await work
        await self.awake()
        self._may_break(self._dangers.lost_after, "database lost after")
        return result

    def _may_break(self, share: float, what: str) -> None:
        if share and self._random.random() < share:
            self._counts[what] += 1
            raise ConnectionResetError(what)


class LivingClock(SimulatedClock):
    """The clock of one process, which dies with it."""

    def __init__(self, source: random.Random, life: Life, skew_seconds: float) -> None:
        super().__init__(source, skew_seconds=skew_seconds)
        self._life = life

    @override
    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
        await self._life.awake()


class LivingTransport:
    """The network as one process reaches it."""

    def __init__(self, transport: Transport, life: Life) -> None:
        self._transport = transport
        self._life = life

    async def exchange(self, request: PartnerRequest, on_head: OnHead) -> HttpReply:
        self._life.step()
        try:
            return await self._transport.exchange(request, on_head)
        finally:
            await self._life.awake()


class LivingSource:
    """A server of the chain as one process reaches it."""

    def __init__(self, server: ChainSource, life: Life) -> None:
        self._server = server
        self._life = life

    @property
    def source(self) -> str:
        return self._server.source

    async def transaction(self, txid: str) -> Transaction | None:
        return await self._ask(self._server.transaction(txid))

    async def payments(self, address: str) -> tuple[Transaction, ...]:
        return await self._ask(self._server.payments(address))

    async def tip_height(self) -> int:
        return await self._ask(self._server.tip_height())

    async def _ask(self, request: Coroutine[Any, Any, T]) -> T:
        try:
            self._life.step()
        except BaseException:
            request.close()
            raise
        try:
            return await request
        finally:
            await self._life.awake()


class _Living:
    """Something at the database, as one process reaches it: each call is a piece of work there."""

    def __init__(self, target: object, life: Life) -> None:
        self._target = target
        self._life = life

    def __getattr__(self, name: str) -> Callable[..., Coroutine[Any, Any, Any]]:
        method = getattr(self._target, name)

        async def call(*arguments: object, **named: object) -> object:
            return await self._life.database(method(*arguments, **named))

        return call


class _LivingPace(_Living):
    async def reserve(self, bucket: Bucket, *, within_seconds: float) -> Slot | None:
        patience_seconds = max(within_seconds, _PATIENCE_SECONDS)
        reserve = super().__getattr__("reserve")
        slot: Slot | None = await reserve(bucket, within_seconds=patience_seconds)
        return slot


def living_store(store: OrderStore, life: Life) -> OrderStore:
    """Return the orders as one process reaches them."""
    return cast("OrderStore", _Living(store, life))


def living_pace(pace: Pace, life: Life) -> Pace:
    """Return the shared pace as one process reaches it."""
    return cast("Pace", _LivingPace(pace, life))
