"""The metrics that say what is in the database: every process shows them, with loops or without.

So they are there, and true, when each worker was killed. Each scrape counts anew, in a few
statements on partial indexes and small tables; scrapes that follow at once share one count.
"""

import asyncio
from collections.abc import Iterable
from typing import Final

from app.assessments import jobs
from app.assessments.backlog import oldest_pending_seconds as oldest_pending
from app.lists import lookup, versions
from app.orders import addresses, events
from app.orders.backlog import backlog as order_backlog
from app.orders.wallet.wallet import Wallet
from app.runtime.clock import Clock
from app.runtime.db.engine import Database
from app.runtime.db.failures import is_unavailable, reason_of
from app.runtime.loops import beats as loop_beats
from app.runtime.observability.logging import get_logger
from app.runtime.observability.metrics import Metrics
from app.webhooks import jobs as webhook_jobs

log = get_logger(__name__)

_COUNTED_AGAIN_AFTER_SECONDS: Final = 5.0
# Prometheus itself gives up after 10 s, and then knows nothing of this process at all.
_COUNTED_WITHIN_SECONDS: Final = 4.0


class SharedGauges:
    """Counts what waits in the database, and shows it in the metrics."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        metrics: Metrics,
        *,
        held_lists: lookup.Lists,
        wallet: Wallet | None,
        gap_limit: int,
        loops: Iterable[str] = (),
    ) -> None:
        """Count nothing yet. `loops` are those that must run in some process."""
        self._database = database
        self._clock = clock
        self._backlog = metrics.backlog
        self._lists = held_lists
        self._wallet = wallet
        self._loops = tuple(loops)
        self._counting = asyncio.Lock()
        self._tried_at: float | None = None
        if wallet is not None:
            metrics.backlog.observe_gap_limit(gap_limit)

    async def refresh(self) -> None:
        """Count, unless that was tried just now. What cannot be counted is shown no longer."""
        async with self._counting:
            now = self._clock.monotonic()
            if self._tried_at is not None and now - self._tried_at < _COUNTED_AGAIN_AFTER_SECONDS:
                return
            self._tried_at = now
            try:
                async with asyncio.timeout(_COUNTED_WITHIN_SECONDS):
                    await self.count()
            except Exception as fault:
                self._backlog.is_unknown()
                if isinstance(fault, TimeoutError) or is_unavailable(fault):
                    log.warning("backlog_not_counted", reason=reason_of(fault))
                else:
                    log.exception("backlog_not_counted")

    async def count(self) -> None:
        """Count now. Raises what the database does."""
        backlog, now = self._backlog, self._clock.now()
        async with self._database.reading() as connection:
            orders = await order_backlog(connection, now)
            oldest_pending_seconds = await oldest_pending(connection, now)
            alarmed = await events.alarmed(connection, now)
            due_jobs = await jobs.due(connection)
            due_webhooks = await webhook_jobs.waiting(connection, now)
            ages = await versions.ages(connection, now)
            beats = await loop_beats.seconds_ago(connection)
            if self._wallet is not None:
                gap = await addresses.gap(connection, self._wallet)
                backlog.observe_gap(gap)
        required, held_versions = self._lists.required, await self._lists.versions()
        backlog.observe_list_ages(ages)
        today = now.date()
        backlog.observe_required_lists(
            required.names,
            required.missing(held_versions),
            required.old(held_versions, today),
            required.future(held_versions, today),
        )
        backlog.observe_work(orders.orders, orders.oldest_due_seconds, oldest_pending_seconds)
        backlog.observe_alarmed_orders(alarmed)
        backlog.observe_jobs(*due_jobs)
        backlog.observe_webhooks(*due_webhooks)
        backlog.observe_loop_ages(self._loops, beats)
        backlog.was_counted()
