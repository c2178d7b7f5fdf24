"""Finishing assessments left pending, sweeping out what is over, counting what waits."""

from typing import Final

from app.observability.logging import get_logger
from app.resources import Resources
from app.services import (
    accounts,
    asking,
    bitcoin_addresses,
    idempotency,
    order_gauges,
    throttles,
)
from app.services.asking import Tried
from app.worker.loops import Loop

log = get_logger(__name__)

_PENDING_REST_SECONDS: Final = 1.0
_SWEEP_REST_SECONDS: Final = 30.0
_COUNT_REST_SECONDS: Final = 15.0


def loops(resources: Resources) -> list[Loop]:
    """Return the loops to run."""

    async def finish_assessments() -> bool:
        tried = await asking.finish_one(resources.database, resources.panel, resources.clock)
        if tried is not None:
            observe(tried)
        return tried is not None

    def observe(tried: Tried) -> None:
        if tried.refunded:
            resources.metrics.refunds.inc()
        for provider in tried.asked_again:
            resources.metrics.asked_again.labels(provider).inc()
        if tried.is_overdue:
            resources.metrics.alarms.labels("assessment_overdue").inc()
            log.error("alarm", alarm="assessment_overdue", assessment_id=tried.assessment_id)

    async def sweep() -> bool:
        async with resources.database.sessions() as session:
            await accounts.end_expired_sessions(session, resources.clock.now())
            more_counts = await throttles.reap(session, resources.clock.now())
            more_keys = await idempotency.reap(session, resources.clock.now())
            return more_counts or more_keys

    async def count() -> bool:
        async with resources.database.reading() as connection:
            found = await order_gauges.backlog(connection, resources.clock.now())
            if resources.terms.bitcoin is not None:
                gap = await bitcoin_addresses.gap(connection, resources.terms.bitcoin.wallet)
                resources.metrics.bitcoin_address_gap.set(gap)
        resources.metrics.observe_backlog(
            found.orders, found.oldest_due_order_seconds, found.oldest_pending_assessment_seconds
        )
        return False

    return [
        Loop("assessments", finish_assessments, _PENDING_REST_SECONDS),
        Loop("sweep", sweep, _SWEEP_REST_SECONDS),
        Loop("gauges", count, _COUNT_REST_SECONDS),
    ]
