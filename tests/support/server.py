"""The real application behind a real socket: uvicorn in the test's own event loop."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from fastapi import FastAPI

from app.cli.http_server import serving
from app.main import create_app
from app.orders import aeonto_parameters
from app.partners.aeonto.wire import OrderParameters
from app.resources import Overrides
from app.runtime.db.engine import Database
from tests.support.application import ScriptedProvider, settings_for_tests
from tests.support.clock import HandClock
from tests.support.processes import free_port


@dataclass(frozen=True)
class Served:
    """A server that listens, and what a test may turn."""

    base_url: str
    port: int
    app: FastAPI
    database: Database
    clock: HandClock


@asynccontextmanager
async def serve_application(database: Database, **overrides: object) -> AsyncIterator[Served]:
    """Serve an application on `database` at a free port; `overrides` are settings.

    `database` must be one that commits: requests of real clients run at the same time. Where the
    settings name risk providers, those answer.
    """
    clock, port = HandClock(), free_port()
    settings = settings_for_tests(port=port, **overrides)
    provider = None if "risk_provider" in overrides else ScriptedProvider()
    app = create_app(settings, Overrides(database=database, clock=clock, provider=provider))
    async with serving(app, settings):
        yield Served(f"http://127.0.0.1:{port}", port, app, database, clock)


async def learn_parameters(database: Database, now: datetime) -> None:
    """Let the service know what AEON.to takes, as the loop would have learnt it just now."""
    async with database.sessions() as session:
        await aeonto_parameters.save(
            session,
            OrderParameters(
                price_btc=Decimal("0.017666"),
                lower_limit_btc=Decimal("0.002"),
                upper_limit_btc=Decimal(20),
                zero_conf_enabled=True,
                zero_conf_max_amount_btc=Decimal("0.1"),
            ),
            now,
        )
