"""The applications: settings in, a FastAPI application out. No logic lives here."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import Final

from fastapi import FastAPI

from app.accounts import access_code_router, api_key_router, event_router, ledger_router
from app.accounts import router as accounts
from app.assessments import batch_router, receipt_router
from app.assessments import export_router as assessment_export
from app.assessments import router as assessments
from app.orders import export_router as order_export
from app.orders import ledger_export_router, payment_page_router, price_router
from app.orders import router as orders
from app.resources import Overrides, Resources, open_resources
from app.runtime.loops.heartbeats import Heartbeats
from app.runtime.observability.event_loop import lag_observed
from app.runtime.observability.metrics import Metrics
from app.runtime.observability.request_id import RequestIdMiddleware
from app.settings import Settings
from app.web import docs, error_handlers, health, middleware, openapi
from app.web.application import Application
from app.web.event_stream import OpenStreams
from app.webhooks import delivery_router as webhook_deliveries
from app.webhooks import router as webhooks
from app.worker import housekeeping
from app.worker.one_worker import loops_in_one_process
from app.worker.run import loop_names, poll_hints_running, worker_running

# An open stream takes a connection, and some kB; pages beyond ask again and again.
_MOST_STREAMS: Final = 500
_MOST_STREAMS_OF_ONE: Final = 10

# In the order of the document.
_FEATURES: Final = (
    order_export,  # before what has a parameter in its place
    assessment_export,
    ledger_export_router,
    orders,
    price_router,
    payment_page_router,
    assessments,
    batch_router,
    receipt_router,
    accounts,
    ledger_router,
    event_router,
    access_code_router,
    api_key_router,
    webhooks,
    webhook_deliveries,
    health,
)


def create_app(
    settings: Settings, overrides: Overrides | None = None, *, loops_lock: Path | None = None
) -> FastAPI:
    """Build the application; its resources open when it starts. `overrides` replaces parts in tests.

    `loops_lock` is the lock of whoever runs the loops, where several processes serve together.
    """
    metrics = Metrics()

    def now() -> datetime:
        resources: Resources = app.state.resources  # open before the first request
        return resources.clock.now()

    app = Application(
        title="Assay",
        version=version("assay"),
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        lifespan=_lifespan_of(settings, metrics, overrides or Overrides(), loops_lock),
    )
    app.state.start_fault = None
    app.state.streams = OpenStreams(_MOST_STREAMS, _MOST_STREAMS_OF_ONE)
    for feature in _FEATURES:
        app.add_routes_of(feature.router)
    if settings.server.metrics:
        app.add_routes_of(health.metrics_router)
    docs.install(app)
    openapi.install(app)
    error_handlers.install(app, metrics=metrics, now=now)
    middleware.install(app)
    app.add_middleware(RequestIdMiddleware, metrics=metrics)
    return app


def create_worker_app(resources: Resources, heartbeats: Heartbeats) -> FastAPI:
    """Build what `assay worker` serves beside its loops: signs of life and metrics."""
    app = Application(docs_url=None, redoc_url=None, openapi_url=None)
    app.state.start_fault = None
    app.state.resources = resources
    app.state.shared_gauges = housekeeping.shared_gauges(resources, loop_names(resources))
    app.state.silent_loops = heartbeats.silent
    app.add_routes_of(health.router)
    if resources.settings.server.metrics:
        app.add_routes_of(health.metrics_router)
    error_handlers.install(app, metrics=resources.metrics, now=resources.clock.now)
    middleware.install(app)
    app.add_middleware(RequestIdMiddleware, metrics=resources.metrics)
    return app


def _lifespan_of(
    settings: Settings, metrics: Metrics, overrides: Overrides, loops_lock: Path | None
) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    """Return what opens the resources of an application, starts its loops, and ends both."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            try:
                resources = await stack.enter_async_context(
                    open_resources(settings, metrics, overrides)
                )
            except Exception as fault:
                app.state.start_fault = fault  # uvicorn only logs it
                raise
            app.state.resources = resources
            await stack.enter_async_context(poll_hints_running(resources))
            app.state.shared_gauges = housekeeping.shared_gauges(resources, loop_names(resources))
            app.state.silent_loops = lambda: []
            if settings.server.run_worker and loops_lock is not None:
                looping = loops_in_one_process(resources, loops_lock)
                app.state.silent_loops = await stack.enter_async_context(looping)
            elif settings.server.run_worker:
                heartbeats = await stack.enter_async_context(worker_running(resources))
                app.state.silent_loops = heartbeats.silent
            await stack.enter_async_context(lag_observed(metrics))
            yield

    return lifespan
