"""One replica: the real reconciler in its real loops, killed and stopped now and then."""

import asyncio
import random
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Final

from app.orders.store import OrderStore
from app.orders.worker.aeonto_rail import AeontoRail
from app.orders.worker.bitcoin_rail import BitcoinRail
from app.orders.worker.reconciler import Reconciler
from app.partners.aeonto.client import AeontoClient
from app.partners.esplora.chain import Chain, ChainSource
from app.partners.http import Transport
from app.runtime.clock import Clock
from app.runtime.db.notifications import Notifications
from app.runtime.loops.heartbeats import Heartbeats
from app.runtime.loops.loops import Loop, supervise
from app.runtime.observability.metrics import Metrics
from app.runtime.rate_limit.rules import Pace
from app.simulation.calendar import Calendar, Work
from app.simulation.life import (
    Dangers,
    Life,
    LivingClock,
    LivingSource,
    LivingTransport,
    living_pace,
    living_store,
)

# As often as in earnest, these would be most of the requests of a day: AEON.to's limits are asked
# for every 30 s, and addresses looked at every 10 s, for blocks that come every 10 minutes.
_RESTS_SECONDS: Final = {"order_parameters": 240.0, "bitcoin_looks": 60.0}
# After a round that found no slot, or an order that another replica was quicker to take.
_REST_SECONDS: Final = 10.0
_STEPS: Final = 30
_STOPS_SHARE: Final = 0.4
_DEAD_SECONDS: Final = (0.5, 300.0)
_STOPPED_SECONDS: Final = (0.2, 40.0)


class Replica:
    """A process that comes back after it died, with nothing remembered."""

    def __init__(
        self,
        *,
        store: OrderStore,
        pace_for: Callable[[Clock], Pace],
        transport: Transport,
        chain_servers: Sequence[ChainSource],
        calendar: Calendar,
        source: random.Random,
        dangers: Dangers,
        skew_seconds: float,
        counts: Counter[str],
    ) -> None:
        self._store = store
        self._pace_for = pace_for
        self._transport = transport
        self._chain_servers = chain_servers
        self._calendar = calendar
        self._random = source
        self._dangers = dangers
        self._skew_seconds = skew_seconds
        self._counts = counts
        self._metrics = Metrics()
        self._notifications = Notifications("")  # nobody listens: the calendar wakes the loops
        self._tasks: list[asyncio.Task[None]] = []
        self._life = self.start()

    def start(self) -> Life:
        """Begin a life."""
        life = self._life = Life(self._random, self._dangers, self._counts)
        clock = LivingClock(self._random, life, self._skew_seconds)
        pace = living_pace(self._pace_for(clock), life)
        transport = LivingTransport(self._transport, life)
        aeonto = AeontoClient(
            transport, pace=pace, clock=clock, observe=self._metrics.observe_upstream
        )
        store = living_store(self._store, life)
        self._stopping = asyncio.Event()
        chain = Chain([LivingSource(server, life) for server in self._chain_servers])
        reconciler = Reconciler(
            store,
            AeontoRail(pace, aeonto, clock),
            clock,
            self._metrics,
            others=[BitcoinRail(chain)],
            notifications=self._notifications,
        )
        heartbeats = Heartbeats(clock, self._metrics)
        self._tasks = [
            asyncio.create_task(
                supervise(self._patient(loop, life, clock), heartbeats, self._stopping)
            )
            for loop in reconciler.loops()
        ]
        return life

    async def live_dangerously(self, mean_seconds: float, until: float) -> None:
        """Kill the process, or stop it for a while, at chosen moments; then let it be."""
        loop = asyncio.get_running_loop()
        while True:
            pause = self._random.expovariate(1 / mean_seconds)
            if loop.time() + pause >= until:
                break
            await asyncio.sleep(pause)
            fate = self._stop if self._random.random() < _STOPS_SHARE else self._die
            self._life.meet(fate, self._random.randint(1, _STEPS))
        await asyncio.sleep(max(0.0, until - loop.time()))
        self._dangers = Dangers()
        self._life.calm()

    def end(self) -> None:
        """End for good."""
        self._life.end()
        self._stopping.set()

    def _stop(self) -> None:
        self._counts["stops"] += 1
        self._life.stand(self._random.uniform(*_STOPPED_SECONDS))

    def _die(self) -> None:
        self._counts["crashes"] += 1
        self.end()  # its supervisor, too: in a process that is gone, nothing starts again
        asyncio.get_running_loop().call_later(self._random.uniform(*_DEAD_SECONDS), self.start)

    def _patient(self, loop: Loop, life: Life, clock: Clock) -> Loop:
        """Return a loop that sleeps through the rounds in which it would find nothing."""
        if loop.name in _RESTS_SECONDS:
            return Loop(loop.name, loop.tick, _RESTS_SECONDS[loop.name])

        async def tick() -> bool:
            if not await self._calendar.wait(Work(loop.name), clock):
                return True
            await life.awake()
            return await loop.tick()

        return Loop(loop.name, tick, _REST_SECONDS)
