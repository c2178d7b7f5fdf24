"""Waking for assessments whose job was lost, looking again at old ones, sweeping, counting."""

from typing import Final

from app.resources import Resources
from app.services import (
    accounts,
    idempotency,
    jobs,
    list_reviews,
    lists,
    order_gauges,
    throttles,
)
from app.worker.address_gap import GapWatch
from app.worker.loops import Loop

_LOST_REST_SECONDS: Final = 1.0
_SWEEP_REST_SECONDS: Final = 30.0
_LIST_REST_SECONDS: Final = 30.0
_COUNT_REST_SECONDS: Final = 15.0


def loops(resources: Resources) -> list[Loop]:
    """Return the loops to run."""

    async def wake_lost() -> bool:
        async with resources.database.sessions() as session:
            return await jobs.wake_lost(session, resources.clock.now())

    async def look_again() -> bool:
        return await list_reviews.review_next(resources.database, resources.clock)

    async def sweep() -> bool:
        async with resources.database.sessions() as session:
            await accounts.end_expired_sessions(session, resources.clock.now())
            await jobs.reap(session)
            more_counts = await throttles.reap(session, resources.clock.now())
            more_keys = await idempotency.reap(session, resources.clock.now())
            return more_counts or more_keys

    bitcoin, gap_limit = resources.terms.bitcoin, resources.settings.bitcoin_gap_limit
    gap_watch = GapWatch(resources.metrics, bitcoin.wallet, gap_limit) if bitcoin else None

    async def count() -> bool:
        if gap_watch is not None:
            await gap_watch.measure(resources.database)
        async with resources.database.reading() as connection:
            found = await order_gauges.backlog(connection, resources.clock.now())
            ages = await lists.ages(connection, resources.clock.now())
        resources.metrics.observe_list_ages(ages)
        required, versions = resources.lists.required, await resources.lists.versions()
        today = resources.clock.now().date()
        resources.metrics.observe_required_lists(
            required.names,
            required.missing(versions),
            required.old(versions, today),
            required.future(versions, today),
        )
        resources.metrics.observe_backlog(
            found.orders, found.oldest_due_order_seconds, found.oldest_pending_assessment_seconds
        )
        return False

    return [
        Loop("lost_jobs", wake_lost, _LOST_REST_SECONDS),
        Loop("sweep", sweep, _SWEEP_REST_SECONDS),
        Loop("list_reviews", look_again, _LIST_REST_SECONDS),
        Loop("gauges", count, _COUNT_REST_SECONDS),
    ]
