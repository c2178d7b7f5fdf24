"""`assay dev`: a whole Assay on this machine, with the sandbox for AEON.to and a first journey."""

import asyncio
import logging
from typing import Final

import typer
from rich.console import Console

from app.cli.demo import Journey, Outcome
from app.cli.running import run, serving, stop_event, url_of, with_database
from app.db.migrate import upgrade
from app.main import create_app
from app.observability.logging import configure_logging
from app.sandbox.server import AUTO_BLOCK_SECONDS, create_sandbox
from app.sandbox.serving import serve_sandbox
from app.settings import LOOPBACK_HOSTS, ConfigurationError, Settings

# An address of the specification's example: the sandbox's chain alone pays it.
_SANDBOX_DESTINATION: Final = "12Cyjf3qV6qLyXdzpLSLPdRFPUVidvnzFM"

# Slow enough to watch each state come, quick enough for somebody who waits.
_SANDBOX_STEP_SECONDS: Final = 4.0


def dev() -> None:
    """Run everything embedded: PostgreSQL, the SANDBOX, the server; then show one journey."""

    async def main() -> None:
        settings = Settings.load()
        if "aeonto_base_url" in settings.model_fields_set:
            raise ConfigurationError(
                "ASSAY_AEONTO_BASE_URL: must not be set for `assay dev`, which runs its own SANDBOX"
                " and never beside a real upstream; use `assay serve`"
            )
        if settings.esplora_url:
            raise ConfigurationError(
                "ASSAY_ESPLORA_URL: must not be set for `assay dev`, whose SANDBOX sends no real"
                " bitcoin; use `assay serve`"
            )
        configure_logging(settings.log_format, logging.WARNING)  # the journey is to be seen
        stopping = stop_event()
        settings.data_dir.mkdir(parents=True, exist_ok=True)
        aeonto = create_sandbox(
            state_path=settings.data_dir / "sandbox.sqlite3",
            rate_scale=settings.aeonto_rate_scale,
            auto=True,
            auto_step_seconds=_SANDBOX_STEP_SECONDS,
            block_seconds=AUTO_BLOCK_SECONDS,
        )
        async with with_database(settings) as complete, serve_sandbox(aeonto) as sandbox_url:
            await asyncio.to_thread(upgrade, url_of(complete))
            sold = complete.model_copy(
                update={
                    "aeonto_base_url": sandbox_url,
                    "btc_dest_address": settings.btc_dest_address or _SANDBOX_DESTINATION,
                }
            )
            async with serving(create_app(sold), sold) as server:
                await _show(_base_url(sold), sandbox_url, stopping, server)

    run(main)


def _base_url(settings: Settings) -> str:
    host = settings.host if settings.host in LOOPBACK_HOSTS else "127.0.0.1"
    return f"http://{f'[{host}]' if ':' in host else host}:{settings.port}"


async def _show(
    base_url: str, sandbox_url: str, stopping: asyncio.Event, server: asyncio.Task[None]
) -> None:
    """Perform the journey once, say what to try, and stay until told to stop."""
    told = asyncio.create_task(stopping.wait())
    journey = asyncio.create_task(Journey(base_url, Console(highlight=False)).perform())
    await asyncio.wait({told, server, journey}, return_when=asyncio.FIRST_COMPLETED)
    if journey.done() and not journey.cancelled():
        outcome = journey.result()
        if outcome is not None:
            typer.echo(_what_to_try(base_url, sandbox_url, outcome))
        await asyncio.wait({told, server}, return_when=asyncio.FIRST_COMPLETED)
    for task in (told, journey):
        task.cancel()


def _what_to_try(base_url: str, sandbox_url: str, outcome: Outcome) -> str:
    """Return the server's address, a key, and a command for each of the six endpoints."""

    def post(path: str, body: str) -> str:
        return (
            f"curl -sS {base_url}/api/{path} -H 'X-API-KEY: {outcome.api_key}'"
            f" -H 'Content-Type: application/json' -d '{body}'"
        )

    code = outcome.access_code
    commands = "\n".join(
        (
            f"curl -sS {base_url}/api/check_self_status -H 'X-API-KEY: {outcome.api_key}'",
            post(
                "new_order",
                '{"number_of_credits": 10, "payment_coin": "Aeon", "payment_network": "AEON",'
                ' "order_is_for_self": true}',
            ),
            post("check_order_status", f'{{"order_id": "{outcome.order_id}"}}'),
            post("check_access_code_status", f'{{"access_code": "{code}"}}'),
            post(
                "create_new_assessment_for_access_code",
                f'{{"access_code": "{code}", "assessment_type": "address",'
                ' "address": "12Cyjf3qV6qLyXdzpLSLPdRFPUVidvnzFM", "currency": "BTC"}',
            ),
            post(
                "check_assessment_list_for_access_code",
                f'{{"access_code": "{code}", "assessment_id_list": ["{outcome.assessment_id}"]}}',
            ),
        )
    )
    return f"""
Assay is up: {base_url}/docs
SANDBOX of AEON.to, where every order is paid by itself: {sandbox_url.split("/api/", maxsplit=1)[0]}/
API key: {outcome.api_key}

Try each of the six endpoints:

{commands}

Ctrl-C stops it; what was bought stays in the data folder."""
