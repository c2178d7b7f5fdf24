"""`assay serve`, `worker`, `migrate`, `sandbox`, `openapi`: Assay's processes, one by one."""

import asyncio
import json
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Annotated, Final

import stamina
import typer

from app.cli.running import run, serving, stop_event, url_of, with_database
from app.db.failures import is_database_away
from app.db.migrate import upgrade
from app.main import create_app, create_worker_app
from app.observability.event_loop import lag_observed
from app.observability.logging import configure_logging, get_logger
from app.observability.metrics import Metrics
from app.resources import READ_AS_WPKH, Stand, open_resources, sales_terms
from app.sandbox.server import AUTO_BLOCK_SECONDS, BLOCK_SECONDS, create_sandbox
from app.sandbox.serving import esplora_urls, serve_sandbox
from app.services.terms import Terms
from app.settings import ConfigurationError, Settings
from app.worker.run import worker_running

log = get_logger(__name__)

_DATABASE_START_SECONDS: Final = 30.0


def serve() -> None:
    """Serve the HTTP API, with the loops unless ASSAY_RUN_WORKER is false."""

    async def main() -> None:
        settings = Settings.load()
        configure_logging(settings.log_format)
        terms = sales_terms(settings)
        log.info("bitcoin_goes_to", address=terms.btc_dest_address)
        _show_wallet(terms)
        stopping = stop_event()
        async with with_database(settings) as complete:
            if settings.database_url is None:
                await asyncio.to_thread(upgrade, url_of(complete))
            async with serving(create_app(complete), complete) as server:
                await _first_of(stopping, server)

    run(main)


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
        settings = Settings.load()
        configure_logging(settings.log_format)
        _show_wallet(sales_terms(settings))  # before a server is started for nothing
        stopping = stop_event()
        async with (
            with_database(settings) as complete,
            open_resources(complete, Metrics(), Stand()) as resources,
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

    run(main)


def migrate() -> None:
    """Bring the database's schema up to date. Safe to run from several places at once.

    A database that is still starting is waited for, up to half a minute.
    """

    async def main() -> None:
        settings = Settings.load()
        configure_logging(settings.log_format)
        async with with_database(settings) as complete:
            async for attempt in stamina.retry_context(
                on=is_database_away, attempts=None, timeout=_DATABASE_START_SECONDS, wait_max=2.0
            ):
                with attempt:
                    await asyncio.to_thread(upgrade, url_of(complete))

    run(main)
    typer.echo("the schema is up to date", err=True)


def sandbox(
    host: Annotated[str, typer.Option(help="where to listen")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="where to listen; 0 takes a free port")] = 8100,
    state: Annotated[
        Path | None, typer.Option(help="file that keeps the state; none: in memory")
    ] = None,
    auto: Annotated[
        bool, typer.Option("--auto", help="pay every order, and mine, by itself")
    ] = False,
    seed: Annotated[int | None, typer.Option(help="the same ids and chances again")] = None,
) -> None:
    """Run the SANDBOX alone: a stand-in for AEON.to and Esplora in which no coin is real."""

    async def main() -> None:
        settings = Settings.load()
        if "aeonto_base_url" in settings.model_fields_set and not settings.upstream_is_loopback:
            raise ConfigurationError(
                "ASSAY_AEONTO_BASE_URL: names a real upstream, and the SANDBOX never runs beside one"
            )
        configure_logging(settings.log_format)
        stopping = stop_event()
        app = create_sandbox(
            state_path=state,
            rate_scale=settings.aeonto_rate_scale,
            auto=auto,
            block_seconds=AUTO_BLOCK_SECONDS if auto else BLOCK_SECONDS,
            mine_payouts=auto,
            seed=seed,
        )
        try:
            async with serve_sandbox(app, host, port) as base_url:
                log.info(
                    "SANDBOX",
                    ASSAY_AEONTO_BASE_URL=base_url,
                    ASSAY_ESPLORA_URL=",".join(esplora_urls(base_url)),
                    note="no coin here is real",
                )
                await stopping.wait()
        except OSError as fault:
            typer.echo(f"cannot listen on {host}:{port}: {fault.strerror}", err=True)
            raise typer.Exit(1) from None

    run(main)


def openapi() -> None:
    """Print the OpenAPI document."""
    document = create_app(Settings.model_construct()).openapi()
    typer.echo(json.dumps(document, indent=2, ensure_ascii=False))
