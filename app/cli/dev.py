"""`assay dev`: a whole Assay on this machine, with the sandbox for its partners and a first journey."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import httpx
import typer
import uvloop
from fastapi import FastAPI
from pydantic import SecretStr
from rich.console import Console

from app.addresses import BitcoinNetwork, InvalidAddress, bitcoin_network
from app.cli.buyer import Buyer
from app.cli.databases import url_of, with_database
from app.cli.demo import Journey, Outcome
from app.cli.http_server import serving
from app.cli.receipts import own_key_text
from app.cli.running import run, stop_event
from app.cli.sandbox_client import sandbox_found
from app.cli.sandbox_orders import SANDBOX_WALLET
from app.main import create_app
from app.resources import Overrides
from app.runtime.db.migrate import upgrade
from app.runtime.loops.heartbeats import Heartbeats
from app.runtime.loops.loops import Loop, running
from app.runtime.observability.logging import configure_logging
from app.sandbox.server import AUTO_BLOCK_SECONDS, create_sandbox
from app.sandbox.serving import esplora_urls, serve_sandbox
from app.settings import ConfigurationError, Settings, load_settings
from app.webhooks.rules.urls import Policy
from app.webhooks.sender import WebhookSender

# The destination in the example of AEON.to API v3: the sandbox's chain alone pays it.
_SANDBOX_DESTINATION: Final = "12Cyjf3qV6qLyXdzpLSLPdRFPUVidvnzFM"

# Settings that are the sandbox's own here.
_OWN: Final = (
    "ASSAY_AEONTO_BASE_URL",
    "ASSAY_ESPLORA_URL",
    "ASSAY_BITCOIN_DESCRIPTOR",
    "ASSAY_CRYSTAL_URL",
    "ASSAY_CRYSTAL_API_KEY",
    "ASSAY_CHAINALYSIS_URL",
    "ASSAY_CHAINALYSIS_API_KEY",
)
_SANDBOX_KEY: Final = SecretStr("sandbox")  # its risk vendors take any key but "wrong"

# Slow enough to watch each state come, quick enough for somebody who waits.
_SANDBOX_STEP_SECONDS: Final = 4.0
_BUYER_REST_SECONDS: Final = 1.0
_LOOPBACK: Final = ("localhost", "::1")  # where it says it is; everywhere else, 127.0.0.1


def dev() -> None:
    """Run everything embedded: PostgreSQL, the SANDBOX, the server; then show one journey."""

    async def main() -> None:
        settings = load_settings()
        _check(settings)
        configure_logging(settings.server.log_format, logging.WARNING)  # the journey is to be seen
        stopping = stop_event()
        settings.database.data_dir.mkdir(parents=True, exist_ok=True)
        sandbox = create_sandbox(
            state_path=settings.database.data_dir / "sandbox.sqlite3",
            rate_scale=settings.aeonto.rate_scale,
            auto=True,
            auto_step_seconds=_SANDBOX_STEP_SECONDS,
            block_seconds=AUTO_BLOCK_SECONDS,
            mine_payouts=True,
        )
        async with with_database(settings) as complete, serve_sandbox(sandbox) as sandbox_url:
            await asyncio.to_thread(upgrade, url_of(complete))
            sold = _in_sandbox(_signing(complete), sandbox_url)
            policy = Policy(sold.webhooks.allowed_networks, http_to_loopback=True)
            app = create_app(sold, Overrides(webhook_sender=WebhookSender(policy)))
            found = sandbox_found(settings.database.data_dir, _root(sandbox_url))
            async with serving(app, sold) as server, _buying(app, sandbox_url):
                with found:
                    await _show(_base_url(sold), sandbox_url, stopping, server)

    run(main, loop_factory=uvloop.new_event_loop)


def _check(settings: Settings) -> None:
    """Refuse to stand the sandbox beside a real partner or wallet. Raises ConfigurationError."""
    for name in _OWN:
        if name in settings.given:
            raise ConfigurationError(
                f"{name}: must not be set for `assay dev`, which runs its own"
                " SANDBOX, and never beside a real partner or wallet; use `assay serve`"
            )
    if settings.orders.btc_dest_address is None:
        return
    try:
        network = bitcoin_network(settings.orders.btc_dest_address)
    except InvalidAddress as fault:
        raise ConfigurationError(f"ASSAY_BTC_DEST_ADDRESS: {fault}") from None
    if network is not BitcoinNetwork.MAINNET:
        raise ConfigurationError(
            f"ASSAY_BTC_DEST_ADDRESS: is a {network} address, but the wallet of the SANDBOX of"
            " `assay dev` is on mainnet; set another, or none"
        )


def _in_sandbox(settings: Settings, sandbox_url: str) -> Settings:
    """Return settings whose partners, vendors and wallet are those of the sandbox."""
    return settings.replaced(
        {
            "ASSAY_AEONTO_BASE_URL": sandbox_url,
            "ASSAY_ESPLORA_URL": tuple(esplora_urls(sandbox_url)),
            "ASSAY_BTC_DEST_ADDRESS": settings.orders.btc_dest_address or _SANDBOX_DESTINATION,
            "ASSAY_BITCOIN_DESCRIPTOR": SecretStr(SANDBOX_WALLET),
            "ASSAY_CRYSTAL_URL": f"{_root(sandbox_url)}crystal/",
            "ASSAY_CRYSTAL_API_KEY": _SANDBOX_KEY,
            "ASSAY_CHAINALYSIS_URL": f"{_root(sandbox_url)}chainalysis/api/v1/",
            "ASSAY_CHAINALYSIS_API_KEY": _SANDBOX_KEY,
        }
    )


def _signing(settings: Settings) -> Settings:
    """Return settings with a key for receipts: the one that is set, or one of the data folder."""
    if settings.assessments.receipt_key is not None:
        return settings
    key = SecretStr(own_key_text(settings.database.data_dir))
    return settings.replaced({"ASSAY_RECEIPT_KEY": key})


@asynccontextmanager
async def _buying(app: FastAPI, sandbox_url: str) -> AsyncIterator[None]:
    """Pay orders in bitcoin beside the body, as automatic mode pays those in AEON."""
    resources = app.state.resources
    async with httpx.AsyncClient(base_url=_root(sandbox_url), trust_env=False) as http:
        buyer = Buyer(resources.database, resources.clock, http)
        loops = [Loop("buyer", buyer.pay, _BUYER_REST_SECONDS)]
        async with running(loops, Heartbeats(resources.clock, resources.metrics)):
            yield


def _root(sandbox_url: str) -> str:
    return f"{sandbox_url.split('/api/', maxsplit=1)[0]}/"


def _base_url(settings: Settings) -> str:
    host = settings.server.host if settings.server.host in _LOOPBACK else "127.0.0.1"
    return f"http://{f'[{host}]' if ':' in host else host}:{settings.server.port}"


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

    page = post(f"orders/{outcome.order_id}/payment_page", "{}")
    assessment = f"{base_url}/api/assessments/{outcome.assessment_id}"
    commands = "\n".join(
        (
            f"curl -sS {base_url}/api/check_self_status -H 'X-API-KEY: {outcome.api_key}'",
            *(post(path, body) for path, body in _bodies_to_try(outcome)),
        )
    )
    return f"""
Assay is up: {base_url}/docs
SANDBOX of AEON.to and bitcoin, where every order is paid by itself: {_root(sandbox_url)}
API key: {outcome.api_key}

Try each of the six endpoints; the first two orders are the same, paid in AEON and in bitcoin:

{commands}

A page to pay an order on, for the buyer:

{page}

The answer as a page to read and print, and as a signed receipt:

curl -sS {assessment}/report -H 'X-API-KEY: {outcome.api_key}' -o report.html
curl -sS {assessment}/receipt -H 'X-API-KEY: {outcome.api_key}' -o receipt.json
assay verify receipt.json --keys {base_url}/.well-known/assay-keys.json

`assay sandbox auto off` stops the payments, and `assay sandbox --help` says how to make each yourself.
`assay demo --coin BTC` shows a journey in bitcoin, step by step ({base_url} is its --url).
Ctrl-C stops it; what was bought stays in the data folder."""


def _bodies_to_try(outcome: Outcome) -> list[tuple[str, str]]:
    """Return the endpoints to post to, each with a body: an order in each coin, and the rest."""
    order = (
        '{{"number_of_credits": 10, "payment_coin": "{}", "payment_network": "{}",'
        ' "order_is_for_self": true}}'
    )
    return [
        ("new_order", order.format("Aeon", "AEON")),
        ("new_order", order.format("Bitcoin", "BTC")),
        ("check_order_status", f'{{"order_id": "{outcome.order_id}"}}'),
        ("check_access_code_status", f'{{"access_code": "{outcome.access_code}"}}'),
        (
            "create_new_assessment_for_access_code",
            f'{{"access_code": "{outcome.access_code}", "assessment_type": "address",'
            ' "address": "12Cyjf3qV6qLyXdzpLSLPdRFPUVidvnzFM", "currency": "BTC"}',
        ),
        (
            "check_assessment_list_for_access_code",
            f'{{"access_code": "{outcome.access_code}",'
            f' "assessment_id_list": ["{outcome.assessment_id}"]}}',
        ),
    ]
