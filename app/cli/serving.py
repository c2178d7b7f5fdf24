"""`assay serve`, `assay worker`: the processes of a deployment."""

import asyncio
from contextlib import AsyncExitStack
from typing import Annotated, Final

import typer
import uvloop

from app.cli.databases import url_of, with_database
from app.cli.http_server import serving
from app.cli.running import run, stop_event
from app.cli.workers import serve_by_workers
from app.main import create_app, create_worker_app
from app.orders.pricing import Terms
from app.resources import READ_AS_WPKH, Overrides, open_resources, sales_terms
from app.runtime.observability.event_loop import lag_observed
from app.runtime.observability.logging import configure_logging, get_logger
from app.runtime.observability.metrics import Metrics
from app.settings import ConfigurationError, load_settings
from app.worker.run import worker_running

log = get_logger(__name__)

_MOST_WORKERS: Final = 64


def serve(
    workers: Annotated[
        int,
        typer.Option(
            "--workers",
            min=1,
            max=_MOST_WORKERS,
            help="Processes that serve, each on a core of its own. One of them runs the loops; one"
            " that dies is replaced.",
        ),
    ] = 1,
) -> None:
    """Serve the HTTP API, with the loops unless ASSAY_RUN_WORKER is false."""

    async def main() -> None:
        settings = load_settings()
        configure_logging(settings.server.log_format)
        terms = sales_terms(settings)
        log.info("bitcoin_goes_to", address=terms.btc_dest_address)
        _show_wallet(terms)
        stopping = stop_event()
        async with with_database(settings) as complete:
            if settings.database.url is None:
                from app.runtime.db.migrate import upgrade  # noqa: PLC0415  only this needs alembic

                await asyncio.to_thread(upgrade, url_of(complete))
            if workers > 1:
                serve_by_workers(complete, url_of(complete), workers)  # it waits for signals itself
                return
            async with serving(create_app(complete), complete) as server:
                await _first_of(stopping, server)

    run(main, loop_factory=uvloop.new_event_loop)


def _show_wallet(terms: Terms) -> None:
    """Name the first address that buyers are given, to be compared with the wallet."""
    if terms.bitcoin is None:
        return
    wallet = terms.bitcoin.wallet
    log.info("bitcoin_first_address", address=wallet.address(0))
    if wallet.kind_assumed:
        log.warning("bitcoin_descriptor_read_as_wpkh", note=READ_AS_WPKH)


async def _first_of(stopping: asyncio.Event, server: asyncio.Task[None]) -> None:
    told = asyncio.create_task(stopping.wait())
    await asyncio.wait({told, server}, return_when=asyncio.FIRST_COMPLETED)
    told.cancel()


def worker() -> None:
    """Run the loops alone, beside `assay serve` with ASSAY_RUN_WORKER=false.

    Serves /healthz, /readyz and /metrics at ASSAY_HOST and ASSAY_PORT. Where that is taken, it works
    without, and says so in the log.
    """

    async def main() -> None:
        settings = load_settings()
        configure_logging(settings.server.log_format)
        _show_wallet(sales_terms(settings))  # before a server is started for nothing
        stopping = stop_event()
        async with (
            with_database(settings) as complete,
            open_resources(complete, Metrics(), Overrides()) as resources,
            worker_running(resources) as heartbeats,
            lag_observed(resources.metrics),
            AsyncExitStack() as stack,
        ):
            app = create_worker_app(resources, heartbeats)
            try:
                await stack.enter_async_context(serving(app, complete))
            except ConfigurationError as fault:  # the loops matter more than being watched
                log.error("health_not_served", reason=str(fault))  # noqa: TRY400
            log.info("worker_started")
            await stopping.wait()

    run(main, loop_factory=uvloop.new_event_loop)
