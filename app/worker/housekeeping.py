"""Waking for assessments whose job was lost, looking again at old ones, sweeping, counting."""

from collections.abc import Iterable
from typing import Final

from app.accounts import throttles, users
from app.assessments import jobs, rescreening
from app.orders.payment_page import links
from app.orders.worker.address_gap import GapWatch
from app.resources import Resources
from app.runtime import idempotency
from app.runtime.loops.loops import Loop
from app.webhooks import deliveries
from app.worker.shared_gauges import SharedGauges

_LOST_REST_SECONDS: Final = 15.0
_SWEEP_REST_SECONDS: Final = 30.0
_LIST_REST_SECONDS: Final = 30.0
_COUNT_REST_SECONDS: Final = 60.0


def shared_gauges(resources: Resources, loops: Iterable[str] = ()) -> SharedGauges:
    """Return what counts the things that wait; `loops` are those that must run somewhere."""
    bitcoin = resources.terms.bitcoin
    return SharedGauges(
        resources.database,
        resources.clock,
        resources.metrics,
        held_lists=resources.lists,
        wallet=bitcoin.wallet if bitcoin else None,
        gap_limit=resources.settings.bitcoin.gap_limit,
        loops=loops,
    )


def loops(resources: Resources) -> list[Loop]:
    """Return the loops to run."""

    async def wake_lost() -> bool:
        async with resources.database.sessions() as session:
            return await jobs.wake_lost(session, resources.clock.now())

    async def look_again() -> bool:
        return await rescreening.review_next(resources.database, resources.clock)

    async def sweep() -> bool:
        async with resources.database.sessions() as session:
            await users.end_expired_sessions(session, resources.clock.now())
            await jobs.delete_failed(session)
            more_counts = await throttles.delete_expired(session, resources.clock.now())
            more_keys = await idempotency.delete_expired(session, resources.clock.now())
            more_links = await links.delete_expired(session, resources.clock.now())
            more_webhooks = await deliveries.delete_old(session, resources.clock.now())
            return more_counts or more_keys or more_links or more_webhooks

    bitcoin, gap_limit = resources.terms.bitcoin, resources.settings.bitcoin.gap_limit
    gauges = shared_gauges(resources)
    gap_watch = GapWatch(resources.metrics, bitcoin.wallet, gap_limit) if bitcoin else None

    async def count() -> bool:
        if gap_watch is not None:
            await gap_watch.measure(resources.database)
        await gauges.count()
        return False

    return [
        Loop("lost_jobs", wake_lost, _LOST_REST_SECONDS),
        Loop("sweep", sweep, _SWEEP_REST_SECONDS),
        Loop("list_reviews", look_again, _LIST_REST_SECONDS),
        Loop("gauges", count, _COUNT_REST_SECONDS),
    ]
