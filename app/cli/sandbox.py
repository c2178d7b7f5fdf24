"""`assay sandbox`: the stand-in for AEON.to, the chain and risk vendors, alone."""

from pathlib import Path
from typing import Annotated

import typer
import uvloop

from app.cli.running import run, stop_event
from app.runtime.observability.logging import configure_logging, get_logger
from app.sandbox.server import AUTO_BLOCK_SECONDS, BLOCK_SECONDS, create_sandbox
from app.sandbox.serving import esplora_urls, serve_sandbox
from app.settings import ConfigurationError, load_settings

log = get_logger(__name__)


def sandbox(
    context: typer.Context,
    host: Annotated[str, typer.Option(help="where to listen")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="where to listen; 0 takes a free port")] = 8100,
    state: Annotated[
        Path | None, typer.Option(help="file that keeps the state; none: in memory")
    ] = None,
    auto: Annotated[
        bool, typer.Option("--auto", help="pay every order, and mine, by itself")
    ] = False,
    *,
    seed: Annotated[int | None, typer.Option(help="the same ids and chances again")] = None,
) -> None:
    """Run the SANDBOX alone: a stand-in for AEON.to and Esplora in which no coin is real."""
    if context.invoked_subcommand is not None:
        _refuse_options(context)
        return

    async def main() -> None:
        settings = load_settings()
        if "ASSAY_AEONTO_BASE_URL" in settings.given and not settings.aeonto.is_on_loopback:
            raise ConfigurationError(
                "ASSAY_AEONTO_BASE_URL: names a real upstream, and the SANDBOX never runs beside one"
            )
        configure_logging(settings.server.log_format)
        stopping = stop_event()
        app = create_sandbox(
            state_path=state,
            rate_scale=settings.aeonto.rate_scale,
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

    run(main, loop_factory=uvloop.new_event_loop)


def _refuse_options(context: typer.Context) -> None:
    """Refuse options of the SANDBOX itself before a command that is for one that runs already."""
    for name in context.params:
        source = context.get_parameter_source(name)
        if source is not None and source.name != "DEFAULT":
            raise typer.BadParameter(
                f"--{name} is for a SANDBOX that starts; {context.invoked_subcommand} takes --url"
            )
