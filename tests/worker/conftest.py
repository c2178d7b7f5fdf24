"""A worker at a real sandbox: real HTTP, a database of its own, a clock that can leap.

A test places orders, lets upstream do something, and lets the worker do all that is due. When it
ends, faults stop, and every invariant of money must hold.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal

import pytest

from app import audit
from app.orders.rules.rails import Rail
from app.orders.worker.reconciler import Reconciler
from app.partners.esplora.chain import Chain
from app.resources import Overrides, Resources, open_resources
from app.runtime.db.engine import Database
from app.runtime.observability.metrics import Metrics
from app.worker.run import reconciler_of
from tests.support import invariants
from tests.support.application import ScriptedProvider, settings_for_tests
from tests.support.orders import OrderFacts, balance_of, events_of, place_order, read_order
from tests.support.people import Person, make_user
from tests.support.sandbox import (
    RATE_SCALE,
    HeldClock,
    LeapingClock,
    Upstream,
    serving_upstream,
)


@dataclass(frozen=True)
class WorkerHarness:
    """Everything that a test of the worker turns and looks at."""

    resources: Resources
    reconciler: Reconciler
    provider: ScriptedProvider
    clock: LeapingClock
    database: Database
    upstream: Upstream
    buyer: Person

    async def until_asked(self, endpoint: str, times: int = 1) -> None:
        """Wait until an endpoint of AEON.to has had so many requests."""
        async with asyncio.timeout(60):
            while await self.upstream.requests(endpoint) < times:
                await asyncio.sleep(0.005)

    async def place(self, number_of_credits: int = 10) -> str:
        """Place an order as `new_order` does; return its id."""
        return await place_order(
            self.database,
            self.buyer,
            self.clock.now(),
            number_of_credits=number_of_credits,
            terms=self.resources.terms,
        )

    async def placed_unpaid(self) -> str:
        """Place an order and bring it to UNPAID."""
        order_id = await self.place()
        await self.work()
        await self.work(after_seconds=5)
        assert (await self.read(order_id)).status == "UNPAID"
        return order_id

    async def advance(self, to: str) -> None:
        """Move every order upstream."""
        await self.upstream.press("orders/all/advance", to=to)

    async def work(self, *, after_seconds: float = 0, reconciler: Reconciler | None = None) -> None:
        """Let time pass, then let the worker do all that is due."""
        worker = reconciler or self.reconciler
        self.clock.leap(after_seconds)
        while await worker.create_next() or await self._look(worker):
            await worker.drain()

    async def _look(self, worker: Reconciler) -> bool:
        """Let the worker look at an order of any rail; without a chain nobody looks at bitcoin."""
        if await worker.poll_next(Rail.AEONTO):
            return True
        return self.resources.chain is not None and await worker.poll_next(Rail.BITCOIN)

    async def read(self, order_id: str) -> OrderFacts:
        """Read an order."""
        return await read_order(self.database, order_id)

    async def path(self, order_id: str) -> list[str]:
        """Return the states that an order went through."""
        events = await events_of(self.database, order_id)
        return [event.to_status for event in events if event.kind == "moved"]

    async def notes(self, order_id: str) -> list[tuple[str, str]]:
        """Return the kinds and reasons of the events that moved nothing."""
        events = await events_of(self.database, order_id)
        return [(event.kind, event.reason) for event in events if event.kind != "moved"]

    async def balance(self) -> int:
        """Return the buyer's credits."""
        return await balance_of(self.database, self.buyer.account_id)

    async def sound(self) -> None:
        """Let faults stop and what is due be done; then every rule of money must hold."""
        await self.reconciler.drain()
        await self.upstream.no_faults()
        await self.work(after_seconds=120)
        assert await invariants.broken(self.database, self.clock.now()) == {}
        async with self.database.reading() as connection:
            assert await audit.breaches(connection) == []

    def metric(self, name: str, **labels: str) -> float:
        """Read a counter; 0 when it never counted."""
        return self.resources.metrics.registry.get_sample_value(name, labels) or 0.0


@pytest.fixture(scope="session")
def held() -> HeldClock:
    """The clock of the sandbox, on which an answer that is late comes when it is woken."""
    return HeldClock()


@pytest.fixture(scope="session")
async def served(held: HeldClock) -> AsyncIterator[Upstream]:
    """One sandbox for the whole run."""
    async with serving_upstream(clock=held) as upstream:
        yield upstream
        held.wake()


@asynccontextmanager
async def open_stage(
    database: Database,
    upstream: Upstream,
    rate_scale: Decimal = RATE_SCALE,
    chain: Chain | None = None,
) -> AsyncIterator[WorkerHarness]:
    """Set a worker before an upstream."""
    clock, provider = LeapingClock(), ScriptedProvider()
    settings = settings_for_tests(
        aeonto_base_url=upstream.base_url, aeonto_rate_scale=rate_scale, run_worker=True
    )
    overrides = Overrides(database=database, clock=clock, provider=provider, chain=chain)
    with pytest.MonkeyPatch.context() as patch:
        # A busy machine must neither cut short a request that a test waits for nor keep it back.
        patch.setattr("app.orders.worker.reconciler._DRAIN_SECONDS", 60.0)
        patch.setattr("app.runtime.rate_limit.postgres.LEAVE_WITHIN_SECONDS", 60.0)
        patch.setattr("app.partners.aeonto.client.CALL_DEADLINE_SECONDS", 60.0)
        async with open_resources(settings, Metrics(), overrides) as resources:
            buyer = await make_user(database, clock.now())
            yield WorkerHarness(
                resources, reconciler_of(resources), provider, clock, database, upstream, buyer
            )


@pytest.fixture
async def harness(committed_database: Database, served: Upstream) -> AsyncIterator[WorkerHarness]:
    """A worker at a fresh sandbox; afterwards nothing may be in limbo and no credit astray."""
    await served.press("reset")
    async with open_stage(committed_database, served) as harness:
        yield harness
        await harness.sound()
    stats = await served.stats()
    assert stats["over_limit"] == 0
    assert all(counts["missing_slash"] == 0 for counts in stats["endpoints"].values())
