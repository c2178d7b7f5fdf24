"""Every metric of the service, on a registry of its own: one Metrics per application."""

import os
import time
from collections.abc import Callable, Iterator
from typing import Any, Final

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
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector
from typing_extensions import override

from app.runtime.observability.backlog import BacklogGauges

# Where several processes serve together, each keeps its counts in a file of the folder that this
# variable of the environment names; prometheus_client reads it when it is imported.
SHARED_FOLDER_VARIABLE: Final = "PROMETHEUS_MULTIPROC_DIR"
# Of a gauge, the process counts that set it last.
_MODE: Final = "mostrecent"

_HTTP_BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
_UPSTREAM_BUCKETS: Final = (0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_CHANGE_BUCKETS: Final = (1.0, 2.5, 5.0, 10.0, 20.0, 40.0, 80.0, 160.0, 320.0, 640.0)
_SLOT_BUCKETS: Final = (0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0, 30.0, 60.0)
_LAG_BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0)
_LOOK: Final = "order_status_query"
# An order that AEON.to does not know was looked at, too.
_LOOKED: Final = ("ok", "OrderNotFound")
_METHODS: Final = frozenset({"GET", "POST", "DELETE", "HEAD", "OPTIONS", "PUT", "PATCH"})


class Metrics:
    """Counters, gauges and histograms; label values are few and never a caller's own text."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        """Begin at 0. `monotonic`: seconds that only ever grow, for the age of what was counted."""
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self._declare_http(self.registry)
        self._declare_upstream(self.registry)
        self._declare_chain(self.registry)
        self._declare_vendors(self.registry)
        self._declare_orders(self.registry)
        self._declare_credits(self.registry)
        self._declare_process(self.registry)
        self.backlog = BacklogGauges(monotonic)
        self.registry.register(self.backlog)

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
            multiprocess_mode=_MODE,
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
            multiprocess_mode=_MODE,
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
            multiprocess_mode=_MODE,
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
        self.webhook_attempts = Counter(
            "assay_webhook_attempts_total",
            "Webhooks sent, tests included, by outcome: delivered or failed.",
            ("outcome",),
            registry=registry,
        )

    def _declare_process(self, registry: CollectorRegistry) -> None:
        self.loop_heartbeat = Gauge(
            "assay_loop_heartbeat_timestamp_seconds",
            "When a loop last finished a round without a fault, in seconds since the epoch.",
            ("loop",),
            multiprocess_mode=_MODE,
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
            multiprocess_mode=_MODE,
            registry=registry,
        )
        self.event_loop_lag_seconds = Histogram(
            "assay_event_loop_lag_seconds",
            "Seconds by which the event loop was late.",
            buckets=_LAG_BUCKETS,
            registry=registry,
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
        """Count one request to an Esplora server; `seconds` include the wait for a permit."""
        self.esplora_requests.labels(endpoint, outcome).inc()
        self.esplora_request_seconds.labels(endpoint).observe(seconds)

    def observe_vendor(self, provider: str, endpoint: str, outcome: str, seconds: float) -> None:
        """Count one request to a risk vendor."""
        self.vendor_requests.labels(provider, endpoint, outcome).inc()
        self.vendor_request_seconds.labels(provider, endpoint).observe(seconds)

    def observe_slot(self, bucket: str, seconds: float) -> None:
        """Count one slot that was waited for."""
        self.slot_wait_seconds.labels(bucket).observe(seconds)

    def observe_refused_attempt(self, throttle: str) -> None:
        """Count one attempt that a throttle refused."""
        self.attempts_refused.labels(throttle).inc()

    def render(self) -> tuple[bytes, str]:
        """Return the metrics in Prometheus' text format, and its content type."""
        registry = self.registry
        if SHARED_FOLDER_VARIABLE in os.environ:
            registry = CollectorRegistry()
            registry.register(_OfAllWorkers(self.backlog))
        return generate_latest(registry), CONTENT_TYPE_LATEST


class _OfAllWorkers(Collector):
    """What all processes counted that share a folder, and what waits in the database."""

    def __init__(self, backlog: BacklogGauges) -> None:
        self._backlog = backlog
        self._counted: Any = MultiProcessCollector(None)  # type: ignore[no-untyped-call]

    @override
    def collect(self) -> Iterator[Metric]:
        """Yield the sums of the counts; what waits is the same in all processes, so one tells it."""
        same_in_all = {metric.name for metric in self._backlog.describe()}
        for metric in self._counted.collect():
            if metric.name not in same_in_all:
                yield metric
        yield from self._backlog.collect()
