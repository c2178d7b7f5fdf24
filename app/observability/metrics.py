"""Every metric of the service, on a registry of its own: one Metrics per application.

Some say what is in the database, the same in every process. They are rendered only while they are
true: old numbers of a database that is away would look like good news.
"""

import math
import time
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from datetime import timedelta
from itertools import product
from typing import Final

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    Metric,
    ProcessCollector,
    generate_latest,
)
from typing_extensions import override

from app.domain.rails import Rail
from app.domain.states import OrderStatus

_HTTP_BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
_UPSTREAM_BUCKETS: Final = (0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_CHANGE_BUCKETS: Final = (1.0, 2.5, 5.0, 10.0, 20.0, 40.0, 80.0, 160.0, 320.0, 640.0)
_SLOT_BUCKETS: Final = (0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0, 30.0, 60.0)
_LAG_BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0)
_LOOK: Final = "order_status_query"
# An order that AEON.to does not know was looked at, too.
_LOOKED: Final = ("ok", "OrderNotFound")
# Each scrape counts anew what is older than a few seconds.
_BACKLOG_KEPT_SECONDS: Final = 30.0
_METHODS: Final = frozenset({"GET", "POST", "DELETE", "HEAD", "OPTIONS", "PUT", "PATCH"})


class Metrics:
    """Counters, gauges and histograms; label values are few and never a caller's own text."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        """Begin at 0. `monotonic`: seconds that only ever grow, for the age of what was counted."""
        self._monotonic = monotonic
        self._backlog_counted_at = -math.inf
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self._declare_http(self.registry)
        self._declare_upstream(self.registry)
        self._declare_chain(self.registry)
        self._declare_vendors(self.registry)
        self._declare_orders(self.registry)
        self._declare_credits(self.registry)
        self._declare_backlog(self.registry)
        self._declare_process(self.registry)

    def _declare_http(self, registry: CollectorRegistry) -> None:
        self.http_requests = Counter(
            "assay_http_requests_total",
            "Requests answered, by method, route template and status.",
            ("method", "route", "status"),
            registry=registry,
        )
        self.http_request_seconds = Histogram(
            "assay_http_request_seconds",
            "Seconds from a request's arrival to the end of its answer.",
            ("route",),
            buckets=_HTTP_BUCKETS,
            registry=registry,
        )
        # On the path of every request, so found by one look.
        self._http_children: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}
        self.unhandled_faults = Counter(
            "assay_unhandled_faults_total",
            "Exceptions that no code expected, by the name of the endpoint.",
            ("endpoint",),
            registry=registry,
        )
        self.attempts_refused = Counter(
            "assay_attempts_refused_total",
            "Attempts refused after too many failures, by throttle.",
            ("throttle",),
            registry=registry,
        )

    def _declare_upstream(self, registry: CollectorRegistry) -> None:
        self.upstream_requests = Counter(
            "assay_upstream_requests_total",
            "Requests to AEON.to, by endpoint and outcome.",
            ("endpoint", "outcome"),
            registry=registry,
        )
        self.upstream_request_seconds = Histogram(
            "assay_upstream_request_seconds",
            "Seconds that AEON.to took to answer, by endpoint.",
            ("endpoint",),
            buckets=_UPSTREAM_BUCKETS,
            registry=registry,
        )
        self.slot_wait_seconds = Histogram(
            "assay_slot_wait_seconds",
            "Seconds of waiting for the right to send a request to AEON.to, by bucket.",
            ("bucket",),
            buckets=_SLOT_BUCKETS,
            registry=registry,
        )
        self.last_look = Gauge(
            "assay_last_look_timestamp_seconds",
            "When AEON.to last answered a look at an order, in seconds since the epoch.",
            registry=registry,
        )

    def _declare_chain(self, registry: CollectorRegistry) -> None:
        self.esplora_requests = Counter(
            "assay_esplora_requests_total",
            "Requests to Esplora servers, by endpoint and outcome.",
            ("endpoint", "outcome"),
            registry=registry,
        )
        self.esplora_request_seconds = Histogram(
            "assay_esplora_request_seconds",
            "Seconds that Esplora servers took to answer, by endpoint.",
            ("endpoint",),
            buckets=_UPSTREAM_BUCKETS,
            registry=registry,
        )

    def _declare_vendors(self, registry: CollectorRegistry) -> None:
        self.vendor_requests = Counter(
            "assay_vendor_requests_total",
            "Requests to risk vendors, by provider, endpoint and outcome.",
            ("provider", "endpoint", "outcome"),
            registry=registry,
        )
        self.asked_again = Counter(
            "assay_provider_asked_again_total",
            "Questions asked a second time of a provider that could not say whether it knew them.",
            ("provider",),
            registry=registry,
        )
        self.vendor_request_seconds = Histogram(
            "assay_vendor_request_seconds",
            "Seconds that risk vendors took to answer, by provider and endpoint.",
            ("provider", "endpoint"),
            buckets=_UPSTREAM_BUCKETS,
            registry=registry,
        )
        self.vendor_calls_left = Gauge(
            "assay_vendor_calls_left",
            "Calls that are left with a risk vendor, as it last said.",
            ("provider",),
            registry=registry,
        )

    def _declare_orders(self, registry: CollectorRegistry) -> None:
        self.orders_moved = Counter(
            "assay_orders_moved_total",
            "Moves of orders, by the state moved to.",
            ("state",),
            registry=registry,
        )
        self.reports_refused = Counter(
            "assay_reports_refused_total",
            "Reports of AEON.to that moved nothing, by reason.",
            ("reason",),
            registry=registry,
        )
        self.alarms = Counter(
            "assay_alarms_total",
            "What an operator should look at, by kind.",
            ("kind",),
            registry=registry,
        )
        self.order_change_seconds = Histogram(
            "assay_order_change_seconds",
            "Seconds from the last look with an order's old state to the first with its new one.",
            buckets=_CHANGE_BUCKETS,
            registry=registry,
        )
        self.orders_set_aside = Gauge(
            "assay_orders_set_aside",
            "Orders that this process leaves alone for a while, because working on them failed.",
            registry=registry,
        )

    def _declare_credits(self, registry: CollectorRegistry) -> None:
        self.grants = Counter(
            "assay_grants_total", "Orders whose credits were granted.", registry=registry
        )
        self.credits_granted = Counter(
            "assay_credits_granted_total", "Credits granted by orders.", registry=registry
        )
        self.refunds = Counter(
            "assay_refunds_total", "Credits refunded for failed assessments.", registry=registry
        )

    def _declare_backlog(self, registry: CollectorRegistry) -> None:
        self.orders = Gauge(
            "assay_orders",
            "Orders that are still looked at, by rail and state; the same in every process.",
            ("rail", "state"),
            registry=registry,
        )
        self.oldest_due_order_seconds = Gauge(
            "assay_oldest_due_order_seconds",
            "For how long the order that has waited longest has been due; 0 when none is.",
            registry=registry,
        )
        self.oldest_pending_assessment_seconds = Gauge(
            "assay_oldest_pending_assessment_seconds",
            "Age of the oldest assessment without an answer; 0 when there is none.",
            registry=registry,
        )
        self.list_age_seconds = Gauge(
            "assay_list_age_seconds",
            "Age of the newest version of a list, from its own date or else its import.",
            ("source",),
            registry=registry,
        )
        self.required_list_fault = Gauge(
            "assay_required_list_fault",
            "1 while a list that ASSAY_REQUIRED_LISTS names is missing, too old or in the future; else 0.",
            ("source", "fault"),
            registry=registry,
        )
        self.bitcoin_address_gap = Gauge(
            "assay_bitcoin_address_gap",
            "Addresses of the merchant's wallet given out after the last one that was paid.",
            registry=registry,
        )
        self.orders_alarmed = Gauge(
            "assay_orders_alarmed",
            "Orders that an alarm rang for within the last 15 minutes, by kind.",
            ("kind",),
            registry=registry,
        )
        self.jobs_due = Gauge(
            "assay_jobs_due", "Jobs that are due and that nobody has taken.", registry=registry
        )
        self.oldest_due_job_seconds = Gauge(
            "assay_oldest_due_job_seconds",
            "For how long the job that has waited longest has been due; 0 when none is.",
            registry=registry,
        )
        self.loop_age_seconds = Gauge(
            "assay_loop_age_seconds",
            "Seconds since any process finished a round of a loop; +Inf where none ever did.",
            ("loop",),
            registry=registry,
        )
        self.bitcoin_gap_limit = Gauge(
            "assay_bitcoin_gap_limit",
            "How many unused addresses in a row the merchant's wallet looks ahead, by the settings.",
            registry=registry,
        )

    def _declare_process(self, registry: CollectorRegistry) -> None:
        self.loop_heartbeat = Gauge(
            "assay_loop_heartbeat_timestamp_seconds",
            "When a loop last finished a round without a fault, in seconds since the epoch.",
            ("loop",),
            registry=registry,
        )
        self.loop_restarts = Counter(
            "assay_loop_restarts_total",
            "Loops that died or were stuck, and were started again.",
            ("loop",),
            registry=registry,
        )
        self.clock_skew_seconds = Gauge(
            "assay_clock_skew_seconds",
            "Seconds by which the clock of the machine is ahead of the database's.",
            registry=registry,
        )
        self.event_loop_lag_seconds = Histogram(
            "assay_event_loop_lag_seconds",
            "Seconds by which the event loop was late.",
            buckets=_LAG_BUCKETS,
            registry=registry,
        )

        self._backlog_up = Gauge(
            "assay_backlog_up",
            "1 while this process can read what waits in the database; else 0.",
            registry=registry,
        )
        self._of_the_database = frozenset(
            family.name
            for gauge in (
                self.orders,
                self.oldest_due_order_seconds,
                self.oldest_pending_assessment_seconds,
                self.orders_alarmed,
                self.jobs_due,
                self.oldest_due_job_seconds,
                self.loop_age_seconds,
                self.list_age_seconds,
                self.required_list_fault,
                self.bitcoin_address_gap,
            )
            for family in gauge.describe()
        )

    def observe_request(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one answered request."""
        children = self._http_children.get((method, route, status))
        if children is None:
            known = method if method in _METHODS else "other"
            children = (
                self.http_requests.labels(known, route, str(status)),
                self.http_request_seconds.labels(route),
            )
            if known == method:  # a caller's own word is not kept
                self._http_children[method, route, status] = children
        counter, histogram = children
        counter.inc()
        histogram.observe(seconds)

    def observe_upstream(self, endpoint: str, outcome: str, seconds: float) -> None:
        """Count one request to AEON.to."""
        self.upstream_requests.labels(endpoint, outcome).inc()
        self.upstream_request_seconds.labels(endpoint).observe(seconds)
        if endpoint == _LOOK and outcome in _LOOKED:
            self.last_look.set_to_current_time()

    def observe_esplora(self, endpoint: str, outcome: str, seconds: float) -> None:
        """Count one request to an Esplora server; `seconds` include the wait for a turn."""
        self.esplora_requests.labels(endpoint, outcome).inc()
        self.esplora_request_seconds.labels(endpoint).observe(seconds)

    def observe_vendor(self, provider: str, endpoint: str, outcome: str, seconds: float) -> None:
        """Count one request to a risk vendor."""
        self.vendor_requests.labels(provider, endpoint, outcome).inc()
        self.vendor_request_seconds.labels(provider, endpoint).observe(seconds)

    def observe_slot(self, bucket: str, seconds: float) -> None:
        """Count one slot that was waited for."""
        self.slot_wait_seconds.labels(bucket).observe(seconds)

    def observe_backlog(
        self,
        orders: Mapping[tuple[str, str], int],
        oldest_due_seconds: float,
        oldest_pending_seconds: float,
    ) -> None:
        """Set how many orders each rail and state has now, and how old the oldest work is."""
        for rail, state in product(Rail, OrderStatus):
            self.orders.labels(rail, state).set(orders.get((rail, state), 0))
        self.oldest_due_order_seconds.set(oldest_due_seconds)
        self.oldest_pending_assessment_seconds.set(oldest_pending_seconds)

    def observe_list_ages(self, ages: Mapping[str, timedelta]) -> None:
        """Set how old the newest version of each list is, by its source."""
        self.list_age_seconds.clear()
        for source, age in ages.items():
            self.list_age_seconds.labels(source).set(age.total_seconds())

    def observe_required_lists(
        self,
        names: Iterable[str],
        missing: Container[str],
        old: Container[str],
        future: Container[str],
    ) -> None:
        """Set which of the required lists are missing, too old, or dated in the future."""
        for name in names:
            self.required_list_fault.labels(name, "missing").set(name in missing)
            self.required_list_fault.labels(name, "old").set(name in old)
            self.required_list_fault.labels(name, "future").set(name in future)

    def observe_jobs(self, due: int, oldest_due_seconds: float) -> None:
        """Set how many jobs wait, and for how long the oldest has."""
        self.jobs_due.set(due)
        self.oldest_due_job_seconds.set(oldest_due_seconds)

    def observe_alarmed_orders(self, found: Mapping[str, int]) -> None:
        """Set for how many orders an alarm rang just now, by kind."""
        self.orders_alarmed.clear()
        for kind, orders in found.items():
            self.orders_alarmed.labels(kind).set(orders)

    def observe_loop_ages(self, loops: Iterable[str], ages: Mapping[str, float]) -> None:
        """Set how many seconds ago each of the loops had its last round in any process."""
        for loop in loops:
            self.loop_age_seconds.labels(loop).set(ages.get(loop, math.inf))

    def backlog_was_counted(self) -> None:
        """Say that what the database holds was counted just now."""
        self._backlog_counted_at = self._monotonic()

    def backlog_is_unknown(self) -> None:
        """Say that what the database holds could not be counted; what was counted is too old."""
        self._backlog_counted_at = -math.inf

    def observe_refused_attempt(self, throttle: str) -> None:
        """Count one attempt that a throttle refused."""
        self.attempts_refused.labels(throttle).inc()

    def render(self) -> tuple[bytes, str]:
        """Return the metrics in Prometheus' text format, and its content type.

        What the database holds is left out unless it was counted within the last 30 seconds.
        """
        is_known = self._monotonic() - self._backlog_counted_at <= _BACKLOG_KEPT_SECONDS
        self._backlog_up.set(is_known)
        left_out = frozenset() if is_known else self._of_the_database
        return generate_latest(_Without(self.registry, left_out)), CONTENT_TYPE_LATEST


class _Without(CollectorRegistry):
    """The metrics of a registry but for some."""

    def __init__(self, registry: CollectorRegistry, names: Container[str]) -> None:
        super().__init__()
        self._whole = registry
        self._left_out = names

    @override
    def collect(self) -> Iterator[Metric]:
        return (family for family in self._whole.collect() if family.name not in self._left_out)
