"""The metrics that say what is in the database: the same in every process.

They are collected only while they are true: old numbers of a database that is away would look like
good news.
"""

import math
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from datetime import timedelta
from itertools import chain
from typing import Final

from prometheus_client import Gauge, Metric
from prometheus_client.registry import Collector
from typing_extensions import override

# Each scrape counts anew what is older than a few seconds.
_KEPT_SECONDS: Final = 30.0


def _gauge(name: str, documentation: str, labels: Iterable[str] = ()) -> Gauge:
    """Return a gauge that no registry collects by itself."""
    return Gauge(name, documentation, labels, registry=None)


class BacklogGauges(Collector):
    """Gauges of what waits in the database, for a registry that collects them as one."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        """Begin with nothing counted. `monotonic`: seconds that only ever grow."""
        self._monotonic = monotonic
        self._counted_at = -math.inf
        self._up = _gauge(
            "assay_backlog_up",
            "1 while this process can read what waits in the database; else 0.",
        )
        self._gap_limit = _gauge(
            "assay_bitcoin_gap_limit",
            "How many unused addresses in a row the merchant's wallet looks ahead, by the settings.",
        )
        self._declare_orders()
        self._declare_lists()
        self._declare_loops()

    def _declare_orders(self) -> None:
        self._orders = _gauge(
            "assay_orders",
            "Orders that are still looked at, by rail and state; the same in every process.",
            ("rail", "state"),
        )
        self._oldest_due_order_seconds = _gauge(
            "assay_oldest_due_order_seconds",
            "For how long the order that has waited longest has been due; 0 when none is.",
        )
        self._oldest_pending_assessment_seconds = _gauge(
            "assay_oldest_pending_assessment_seconds",
            "Age of the oldest assessment without an answer; 0 when there is none.",
        )
        self._bitcoin_address_gap = _gauge(
            "assay_bitcoin_address_gap",
            "Addresses of the merchant's wallet given out after the last one that was paid.",
        )
        self._orders_alarmed = _gauge(
            "assay_orders_alarmed",
            "Orders that an alarm rang for within the last 15 minutes, by kind.",
            ("kind",),
        )

    def _declare_lists(self) -> None:
        self._list_age_seconds = _gauge(
            "assay_list_age_seconds",
            "Age of the newest version of a list, from its own date or else its import.",
            ("source",),
        )
        self._required_list_fault = _gauge(
            "assay_required_list_fault",
            "1 while a list that ASSAY_REQUIRED_LISTS names is missing, too old or in the future; else 0.",
            ("source", "fault"),
        )

    def _declare_loops(self) -> None:
        self._jobs_due = _gauge(
            "assay_jobs_due", "Jobs of assessments that are due and that nobody has taken."
        )
        self._oldest_due_job_seconds = _gauge(
            "assay_oldest_due_job_seconds",
            "For how long the job that has waited longest has been due; 0 when none is.",
        )
        self._webhooks_due = _gauge(
            "assay_webhooks_due",
            "Webhooks that are due, of endpoints that answer well.",
        )
        self._oldest_due_webhook_seconds = _gauge(
            "assay_oldest_due_webhook_seconds",
            "For how long the webhook that has waited longest has been due; 0 when none is.",
        )
        self._loop_age_seconds = _gauge(
            "assay_loop_age_seconds",
            "Seconds since any process finished a round of a loop; +Inf where none ever did.",
            ("loop",),
        )

    def observe_work(
        self,
        orders: Mapping[tuple[str, str], int],
        oldest_due_seconds: float,
        oldest_pending_seconds: float,
    ) -> None:
        """Set how many orders each rail and state has now, and how old the oldest work is."""
        for (rail, state), count in orders.items():
            self._orders.labels(rail, state).set(count)
        self._oldest_due_order_seconds.set(oldest_due_seconds)
        self._oldest_pending_assessment_seconds.set(oldest_pending_seconds)

    def observe_list_ages(self, ages: Mapping[str, timedelta]) -> None:
        """Set how old the newest version of each list is, by its source."""
        self._list_age_seconds.clear()
        for source, age in ages.items():
            self._list_age_seconds.labels(source).set(age.total_seconds())

    def observe_required_lists(
        self,
        names: Iterable[str],
        missing: Container[str],
        old: Container[str],
        future: Container[str],
    ) -> None:
        """Set which of the required lists are missing, too old, or dated in the future."""
        for name in names:
            self._required_list_fault.labels(name, "missing").set(name in missing)
            self._required_list_fault.labels(name, "old").set(name in old)
            self._required_list_fault.labels(name, "future").set(name in future)

    def observe_jobs(self, due: int, oldest_due_seconds: float) -> None:
        """Set how many jobs wait, and for how long the oldest has."""
        self._jobs_due.set(due)
        self._oldest_due_job_seconds.set(oldest_due_seconds)

    def observe_webhooks(self, due: int, oldest_due_seconds: float) -> None:
        """Set how many webhooks wait, and for how long the oldest has."""
        self._webhooks_due.set(due)
        self._oldest_due_webhook_seconds.set(oldest_due_seconds)

    def observe_alarmed_orders(self, found: Mapping[str, int]) -> None:
        """Set for how many orders an alarm rang just now, by kind."""
        self._orders_alarmed.clear()
        for kind, orders in found.items():
            self._orders_alarmed.labels(kind).set(orders)

    def observe_loop_ages(self, loops: Iterable[str], ages: Mapping[str, float]) -> None:
        """Set how many seconds ago each of the loops had its last round in any process."""
        for loop in loops:
            self._loop_age_seconds.labels(loop).set(ages.get(loop, math.inf))

    def was_counted(self) -> None:
        """Say that what the database holds was counted just now."""
        self._counted_at = self._monotonic()

    def is_unknown(self) -> None:
        """Say that what the database holds could not be counted; what was counted is too old."""
        self._counted_at = -math.inf

    def observe_gap_limit(self, addresses: int) -> None:
        """Set how many unused addresses the wallet looks ahead."""
        self._gap_limit.set(addresses)

    def observe_gap(self, addresses: int) -> None:
        """Set how many addresses were given out after the last one that was paid."""
        self._bitcoin_address_gap.set(addresses)

    @override
    def collect(self) -> Iterator[Metric]:
        """Yield what is known: all of it only if it was counted within the last 30 seconds."""
        is_known = self._monotonic() - self._counted_at <= _KEPT_SECONDS
        self._up.set(is_known)
        gauges = self.gauges() if is_known else self._of_the_process()
        return chain.from_iterable(gauge.collect() for gauge in gauges)

    def describe(self) -> Iterator[Metric]:
        """Yield the names, so that a registry refuses a second metric of one."""
        return chain.from_iterable(gauge.describe() for gauge in self.gauges())

    def _of_the_process(self) -> tuple[Gauge, ...]:
        return self._up, self._gap_limit

    def gauges(self) -> tuple[Gauge, ...]:
        """Return all of them, those that are not known now too."""
        return (
            *self._of_the_process(),
            self._orders,
            self._oldest_due_order_seconds,
            self._oldest_pending_assessment_seconds,
            self._orders_alarmed,
            self._jobs_due,
            self._oldest_due_job_seconds,
            self._webhooks_due,
            self._oldest_due_webhook_seconds,
            self._loop_age_seconds,
            self._list_age_seconds,
            self._required_list_fault,
            self._bitcoin_address_gap,
        )
