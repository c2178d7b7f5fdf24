"""All loops of one process, started and stopped together."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from app.assessments.worker.jobs import job_carrier
from app.orders.due import tell_of_hastened_orders
from app.orders.store import SqlOrderStore
from app.orders.worker.address_checks import AddressChecks
from app.orders.worker.aeonto_rail import AeontoRail
from app.orders.worker.bitcoin_rail import BitcoinRail
from app.orders.worker.reconciler import Reconciler
from app.resources import Resources
from app.runtime.loops.heartbeats import Heartbeats
from app.runtime.loops.loops import Loop, Supervised
from app.webhooks.worker import deliveries as webhook_deliveries
from app.worker import housekeeping
from app.worker.clock_gate import running_while_clock_is_right

_POLL_HINTS_REST_SECONDS: Final = 1.0
_KEY_USES_REST_SECONDS: Final = 10.0
_PAYMENT_PAGES_REST_SECONDS: Final = 1.0
_SAVE_REST_SECONDS: Final = 10.0


@asynccontextmanager
async def poll_hints_running(resources: Resources) -> AsyncIterator[None]:
    """Write down who asked about what, and follow orders whose pages are open, beside the body."""

    async def flush() -> bool:
        if await resources.poll_hints.flush(resources.database, resources.clock.now()):
            tell_of_hastened_orders(resources.notifications)
        return False

    async def save_key_uses() -> bool:
        await resources.key_uses.save(resources.database)
        return False

    async def look_at_pages() -> bool:
        await resources.payment_watch.look(resources.database, resources.poll_hints)
        return False

    loops = [
        Loop("payment_pages", look_at_pages, _PAYMENT_PAGES_REST_SECONDS),
        Loop("interest", flush, _POLL_HINTS_REST_SECONDS),
        Loop("key_uses", save_key_uses, _KEY_USES_REST_SECONDS),
    ]
    heartbeats = Heartbeats(resources.clock, resources.metrics)
    async with running_while_clock_is_right(loops, heartbeats, resources):
        yield


def reconciler_of(resources: Resources) -> Reconciler:
    """Return a reconciler of the orders in the database."""
    clock, chain = resources.clock, resources.chain
    return Reconciler(
        SqlOrderStore(resources.database, resources.terms),
        AeontoRail(resources.pace, resources.aeonto, clock, chain),
        clock,
        resources.metrics,
        # Orders in bitcoin are followed even when no more of them are taken.
        others=[] if chain is None else [BitcoinRail(chain)],
        notifications=resources.notifications,
    )


def _address_checks(resources: Resources) -> list[Loop]:
    """Return the loop that checks the next addresses, where buyers may pay in bitcoin."""
    if resources.terms.bitcoin is None or resources.chain is None:
        return []
    wallet = resources.terms.bitcoin.wallet
    return [AddressChecks(resources, wallet, resources.chain).loop()]


def _bodies(resources: Resources, reconciler: Reconciler) -> list[Supervised]:
    return [
        *reconciler.loops(),
        *housekeeping.loops(resources),
        *_address_checks(resources),
        job_carrier(resources),
        webhook_deliveries.job_carrier(resources),
        *webhook_deliveries.loops(resources),
    ]


def loop_names(resources: Resources) -> list[str]:
    """Return the loops that these settings need to run in some process."""
    return [body.name for body in _bodies(resources, reconciler_of(resources))]


@asynccontextmanager
async def worker_running(resources: Resources) -> AsyncIterator[Heartbeats]:
    """Run every loop beside the body; on the way out, finish what is in flight."""
    heartbeats = Heartbeats(resources.clock, resources.metrics)
    reconciler = reconciler_of(resources)

    async def save() -> bool:
        await heartbeats.save(resources.database)
        return False

    try:
        bodies = _bodies(resources, reconciler)
        bodies.append(Loop("heartbeats", save, _SAVE_REST_SECONDS))
        async with running_while_clock_is_right(bodies, heartbeats, resources):
            yield heartbeats
    finally:
        await reconciler.drain()
