"""One simulated day from its seed: played, checked, and summed up."""

import asyncio
import hashlib
import logging
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from time import perf_counter
from typing import Any, Final, Protocol

import structlog
from structlog.typing import EventDict, WrappedLogger

from app.orders.pricing import Terms
from app.orders.rules.rails import Rail
from app.orders.rules.states import OrderStatus
from app.orders.store import OrderStore
from app.runtime.clock import Clock
from app.runtime.db.failures import is_unavailable
from app.runtime.money import in_satoshi
from app.runtime.rate_limit.local import LocalRateLimiter
from app.runtime.rate_limit.rules import Pace
from app.simulation.bitcoin_invariants import Truth, breaches_in_bitcoin
from app.simulation.bitcoin_payers import BitcoinPayers, lay_earlier_money
from app.simulation.books import Books
from app.simulation.buyers import Buyers, Shop, Shown
from app.simulation.calendar import Calendar, Work
from app.simulation.chain import ModelChain
from app.simulation.chain_servers import ChainServer, draw_spans
from app.simulation.invariants import Breach, breaches_of, breaches_of_truth
from app.simulation.loop import BEGIN, SimulatedClock, VirtualLoop
from app.simulation.network import Network, draw_outages
from app.simulation.offers import sold_today
from app.simulation.plan import Plan
from app.simulation.replica import Replica
from app.simulation.store import MemoryStore
from app.simulation.upstream import Upstream

# Long enough after the last fault for every order to be seen as it is.
_SETTLING_SECONDS: Final = 3 * 3600.0
# No round of a loop is longer.
_ENDING_SECONDS: Final = 60.0
_MOST_SKEW_SECONDS: Final = 3.0


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What came of a day; `digest` is of everything that happened, in its order."""

    seed: int
    breaches: list[Breach]
    digest: str
    orders_by_status: dict[str, int]
    requests: dict[str, int]
    faults: dict[str, int]
    counts: dict[str, int]
    over_limit: int
    wall_seconds: float


class Keeper(Shop, Protocol):
    """Whoever keeps the orders of a day: a store in memory, or PostgreSQL."""

    store: OrderStore

    def pace_for(self, clock: Clock) -> Pace:
        """Return the shared pace, as a process with this clock sees it."""
        ...

    def earliest(self, work: Work) -> datetime | None:
        """Return when an order may be due next."""
        ...

    async def books(self) -> Books:
        """Return all that is kept."""
        ...


class Trace:
    """A digest of everything that happens, in its order."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256()

    def note(self, line: str) -> None:
        """Take down one thing that happened."""
        self._hash.update(line.encode())

    def digest(self) -> str:
        """Return the digest so far."""
        return self._hash.hexdigest()


class MemoryKeeper:
    """Orders and limits in memory."""

    def __init__(self, plan: Plan, trace: Trace, changed: Callable[[Work], None]) -> None:
        self._clock = SimulatedClock(plan.source("clock"))
        self._pace = LocalRateLimiter(self._clock, rate_scale=plan.rate_scale)
        self._store = MemoryStore(
            self._clock, trace.note, changed, valuation=sold_today(plan).valuation()
        )
        self.store: OrderStore = self._store

    def pace_for(self, clock: Clock) -> Pace:
        return self._pace.beside(clock)

    def earliest(self, work: Work) -> datetime | None:
        return self._store.earliest(work)

    async def place(self, account_id: str, number_of_credits: int, rail: Rail, terms: Terms) -> str:
        now = self._clock.now()
        return await self._store.place(account_id, number_of_credits, rail, terms, now)

    async def shown(self, order_id: str) -> Shown:
        rows = self._store.read(order_id)
        order, payment, status = rows.order, rows.payment, OrderStatus(rows.order.status)
        if order.rail == Rail.BITCOIN:
            return Shown(status, None, order.btc_dest_address, in_satoshi(order.btc_amount))
        known = payment is not None and payment.receiving_integrated_address is not None
        return Shown(status, payment.uuid if payment and known else None)

    async def ask(self, order_id: str) -> None:
        self._store.ask(order_id, self._clock.now())

    async def cancel(self, _account_id: str, order_id: str) -> bool:
        return await self._store.cancel(order_id, self._clock.now())

    async def books(self) -> Books:
        return self._store.books()


def simulate(plan: Plan) -> Outcome:
    """Play a day on the store in memory."""
    began_at = perf_counter()
    unexpected: list[str] = []
    with quiet(unexpected), asyncio.Runner(loop_factory=VirtualLoop) as runner:
        day = runner.run(_play_in_memory(plan))
    return day.outcome(unexpected, perf_counter() - began_at)


async def _play_in_memory(plan: Plan) -> "Day":
    day = Day(plan, lambda day: MemoryKeeper(plan, day.trace, day.calendar.changed))
    await day.play()
    return day


class Day:
    """Everything of one day, on the running loop."""

    def __init__(self, plan: Plan, keeper_for: Callable[["Day"], Keeper]) -> None:
        self.plan = plan
        self.trace = Trace()
        self.calendar = Calendar(self._earliest)
        self.keeper = keeper_for(self)
        self._counts: Counter[str] = Counter()
        self._upstream = Upstream(
            plan.source("upstream"),
            moment_of,
            rate_scale=plan.rate_scale,
            expiry_seconds=plan.expiry_seconds,
        )
        self._network = Network(
            self._upstream,
            plan.source("network"),
            fault_rate=plan.fault_rate,
            outages=draw_outages(plan.source("outages"), plan.outages, plan.seconds),
            until=plan.seconds,
            notice=self.trace.note,
        )
        self._chain = ModelChain(plan.source("chain"), moment_of, self.trace.note)
        lay_earlier_money(self._chain, plan.source("earlier money"), plan.orders)
        self._chain_servers = [self._chain_server(name) for name in ("first", "second")]
        self._buyers = Buyers(
            self.keeper,
            self._upstream,
            BitcoinPayers(self._chain, plan.source("bitcoin payers"), plan.seconds),
            plan.source("buyers"),
            today=sold_today(plan),
            bitcoin_share=plan.bitcoin_share,
            between_watches=plan.between_watches,
            last_seconds=plan.seconds,
        )
        self._replicas = [self._replica(number) for number in range(plan.replicas)]
        self._breaches: list[Breach] = []
        self._books = Books()
        self._ended_at = 0.0

    def _earliest(self, work: Work) -> datetime | None:
        return self.keeper.earliest(work)

    def _chain_server(self, name: str) -> ChainServer:
        plan, source = self.plan, self.plan.source(f"chain server {name}")
        return ChainServer(
            name,
            self._chain,
            source,
            fault_rate=plan.chain_fault_rate,
            spans=draw_spans(source, plan.chain_spans, plan.seconds),
            until=plan.seconds,
        )

    def _replica(self, number: int) -> Replica:
        source = self.plan.source(f"replica {number}")
        return Replica(
            store=self.keeper.store,
            pace_for=self.keeper.pace_for,
            transport=self._network,
            chain_servers=self._chain_servers,
            calendar=self.calendar,
            source=source,
            dangers=self.plan.dangers,
            skew_seconds=source.uniform(-_MOST_SKEW_SECONDS, _MOST_SKEW_SECONDS),
            counts=self._counts,
        )

    async def play(self) -> None:
        """Let the day pass, with all that happens in it, then wait, then check."""
        plan, loop = self.plan, asyncio.get_running_loop()
        mining = loop.create_task(self._chain.live(plan.seconds))
        async with asyncio.TaskGroup() as happening:
            happening.create_task(self._buyers.come(plan.orders, plan.arrivals_within))
            for replica in self._replicas:
                happening.create_task(replica.live_dangerously(plan.between_crashes, plan.seconds))
        end = plan.seconds + _SETTLING_SECONDS
        await asyncio.sleep(max(0.0, end - loop.time()))
        mining.cancel()
        self._ended_at = loop.time()
        for replica in self._replicas:
            replica.end()
        await asyncio.sleep(_ENDING_SECONDS)
        self._books = await self.keeper.books()
        self._check(loop.time())

    def _check(self, now: float) -> None:
        self._breaches += breaches_of(self._books, BEGIN + timedelta(seconds=now))
        self._breaches += breaches_of_truth(self._books, self._upstream, now, BEGIN)
        views = [server.view for server in self._chain_servers]
        truth = Truth(self._chain, views, self._ended_at, sold_today(self.plan))
        self._breaches += breaches_in_bitcoin(self._books, truth)
        kept = {rows.order.id: rows for rows in self._books.orders}
        for order_id in self._buyers.placed:
            if order_id not in kept:
                self._breaches.append(Breach("no order is lost", order_id))
        moved = (event for event in self._books.events if event.kind == "moved")
        cancelled = {event.order_id for event in moved if event.to_status == "CANCELLED"}
        for order_id in cancelled ^ self._buyers.cancelled:
            self._breaches.append(Breach("cancelled is what its buyer cancelled", order_id))
        self._counts["cancelled"] = len(cancelled)
        for order_id, shown in self._buyers.shown.items():
            rows = kept[order_id]
            if shown not in (rows.payment and rows.payment.uuid, rows.order.btc_dest_address):
                self._breaches.append(Breach("an address once shown stays", order_id))
        self._check_orphans()

    def _check_orphans(self) -> None:
        """At most one order upstream that nobody saw for each answer to a creation that was lost."""
        kept = sum(bool(rows.payment and rows.payment.uuid) for rows in self._books.orders)
        orphans = len(self._upstream.orders) - kept
        losses = self._network.undelivered_creations + sum(
            self._counts[what] for what in ("crashes", "stops", "database lost before")
        )
        if orphans > losses:
            self._breaches.append(Breach("an orphan for each lost creation", str(orphans)))
        self._counts["orphans"] = orphans

    def outcome(self, unexpected: list[str], wall_seconds: float) -> Outcome:
        """Sum up."""
        statuses = Counter(str(rows.order.status) for rows in self._books.orders)
        self._counts["grants"] = len(self._books.entries)
        self._counts["refused reports"] = sum(
            event.kind == "refused" for event in self._books.events
        )
        requests, faults = Counter(self._upstream.requests), Counter(self._network.faults)
        for server in self._chain_servers:
            requests[f"chain server {server.source}"] = server.requests
            faults.update({f"{server.source} {what}": n for what, n in server.faults.items()})
        self._counts.update(self._chain.counts)
        self._counts.update(
            f"alarm {event.reason}" for event in self._books.events if event.kind == "alarm"
        )
        return Outcome(
            seed=self.plan.seed,
            breaches=[
                *self._breaches,
                *(Breach("no unexpected fault", what) for what in unexpected),
            ],
            digest=self.trace.digest(),
            orders_by_status={name.value: statuses[name] for name in OrderStatus if statuses[name]},
            requests=dict(sorted(requests.items())),
            faults=dict(sorted(faults.items())),
            counts=dict(sorted(self._counts.items())),
            over_limit=len(self._upstream.over_limit),
            wall_seconds=wall_seconds,
        )


def moment_of(seconds: float) -> datetime:
    """Return the time so many seconds after the beginning of a day."""
    return BEGIN + timedelta(seconds=seconds)


@contextmanager
def quiet(unexpected: list[str]) -> Iterator[None]:
    """Keep the loops' logs to ourselves, and gather the faults that no danger explains."""

    def gather(_logger: WrappedLogger, _method: str, event: EventDict) -> Any:  # noqa: ANN401
        fault = sys.exception()
        if fault is not None and not is_unavailable(fault):
            unexpected.append(f"{event['event']}: {fault!r}")
        raise structlog.DropEvent

    before = structlog.get_config()
    structlog.configure(
        processors=[gather],
        wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR),
        cache_logger_on_first_use=False,
    )
    try:
        yield
    finally:
        structlog.configure(**before)
