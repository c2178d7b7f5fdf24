"""The sandbox as one application: AEON.to, Esplora, vendors, the controls, a page about them."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from typing import Final

from fastapi import FastAPI, Request
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.runtime.clock import Clock, SystemClock
from app.sandbox import chain_control, control, vendor_control
from app.sandbox.answers import html
from app.sandbox.api import BASE_PATH, add_endpoints
from app.sandbox.buttons import SANDBOX
from app.sandbox.chainalysis import CHAINALYSIS_PATH, add_chainalysis
from app.sandbox.crystal import CRYSTAL_PATH, add_crystal
from app.sandbox.esplora import add_esplora
from app.sandbox.store import Store
from app.sandbox.views import View
from app.sandbox.world import DEFAULT_PRICE_BTC, Options, World

BLOCK_SECONDS: Final = 600.0
# Slow enough to see a payment unconfirmed, quick enough for somebody who waits.
AUTO_BLOCK_SECONDS: Final = 5.0
_LARGEST_BODY: Final = 64 * 1024
_CONTROLS: Final = (control.router, chain_control.router, vendor_control.router)


def create_sandbox(
    *,
    state_path: Path | None = None,
    rate_scale: Decimal = Decimal(1),
    auto: bool = False,
    auto_step_seconds: float = 2.0,
    creation_delay_seconds: float = 1.0,
    price_btc: Decimal = DEFAULT_PRICE_BTC,
    zero_conf: bool = False,
    block_seconds: float | None = BLOCK_SECONDS,
    mine_payouts: bool = False,
    clock: Clock | None = None,
    seed: int | None = None,
) -> FastAPI:
    """Build a sandbox.

    `state_path`: the file that keeps its state, so that it goes on where it was killed; none: in
    memory. `rate_scale` multiplies the count of every limit. `auto` turns automatic mode on, each
    step taking `auto_step_seconds`; a mode that the file remembers goes on by itself.
    `price_btc`: BTC per AEON. `zero_conf`: small orders are PAID at once. `block_seconds`: how
    often a bitcoin block comes by itself (none: on demand alone), unless the file remembers it.
    `mine_payouts`: a block has each payout by the time that AEON.to says BTC_SENT.
    `seed`: the same uuids, addresses and chances again.
    """
    options = Options(
        rate_scale=rate_scale,
        price_btc=price_btc,
        zero_conf=zero_conf,
        creation_delay_seconds=creation_delay_seconds,
        auto=auto,
        auto_step_seconds=auto_step_seconds,
        block_seconds=block_seconds,
        mine_payouts=mine_payouts,
        seed=seed,
    )
    return _serving(World(Store(state_path), clock or SystemClock(), options))


def _serving(world: World) -> FastAPI:
    app = FastAPI(
        title="SANDBOX of AEON.to",
        openapi_url=None,
        lifespan=_lifespan,
        max_body_size=_LARGEST_BODY,
        exception_handlers={HTTPException: _on_http_error},
    )
    app.state.world = world
    app.add_middleware(SandboxHeader)
    add_endpoints(app, world)
    add_esplora(app, world)
    add_crystal(app, world)
    add_chainalysis(app, world)
    for router in _CONTROLS:
        app.include_router(router)
    app.add_route("/", _explain)
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncGenerator[None]:
    yield
    app.state.world.close()


class SandboxHeader:
    """Says on every answer that it is not from AEON.to."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_marked(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)["X-Sandbox"] = "AEON.to"
            await send(message)

        await self._app(scope, receive, send_marked)


async def _on_http_error(request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    if not request.url.path.startswith("/control"):
        return html(error.status_code, f"{error.status_code} {error.detail}")
    return JSONResponse({"sandbox": SANDBOX, "detail": error.detail}, error.status_code)


async def _explain(request: Request) -> Response:
    base = str(request.base_url).rstrip("/")
    esplora = " and ".join(f"{base}/{view}" for view in View)
    return PlainTextResponse(
        f"""{SANDBOX}

The API of AEON.to is served under {base}{BASE_PATH}
The chain that it pays on is served as two servers of Esplora: {esplora}
Risk vendors: Crystal under {base}{CRYSTAL_PATH}, Chainalysis under {base}{CHAINALYSIS_PATH}

See the orders, then pay one (or "all") and move it on, a rung at a time:
  curl {base}/control/orders
  curl -X POST {base}/control/orders/UUID/pay
  curl -X POST {base}/control/orders/UUID/pay -d '{{"amount": "7.2"}}'
  curl -X POST {base}/control/orders/UUID/advance
  curl -X POST {base}/control/orders/UUID/advance -d '{{"to": "BTC_SENT"}}'

Pay in bitcoin what an order asks for, or to any address, and confirm it by a block:
  curl -X POST {base}/control/chain/pay -d '{{"uri": "bitcoin:ADDRESS?amount=0.005"}}'
  curl -X POST {base}/control/chain/send -d '{{"address": "ADDRESS", "satoshi": 50000}}'
  curl -X POST {base}/control/chain/mine -d '{{"blocks": 2}}'

Or let it pay by itself:
  curl -X POST {base}/control/auto -d '{{"enabled": true, "step_seconds": 2}}'

All the controls:
{_list_controls()}
"""
    )


def _list_controls() -> str:
    lines = []
    for route in (route for router in _CONTROLS for route in router.routes):
        methods = "|".join(sorted(getattr(route, "methods", ())))
        path, summary = getattr(route, "path", ""), getattr(route, "summary", "")
        lines.append(f"  {methods:6} {path:34} {summary}")
    return "\n".join(lines)
