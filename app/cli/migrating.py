"""`assay migrate`: the database's schema, brought up to date."""

import asyncio
import ssl
from typing import Final

import stamina
import typer
from asyncpg.exceptions import ClientConfigurationError

from app.cli.databases import url_of, with_database
from app.cli.running import run
from app.runtime.db.failures import is_unavailable, refuses_connection
from app.runtime.db.migrate import upgrade
from app.runtime.observability.logging import configure_logging
from app.settings import load_settings

_DATABASE_START_SECONDS: Final = 30.0


def migrate() -> None:
    """Bring the database's schema up to date. Safe to run from several places at once.

    A database that is still starting is waited for, up to half a minute.
    """

    async def main() -> None:
        settings = load_settings()
        configure_logging(settings.server.log_format)
        async with with_database(settings) as complete:
            async for attempt in stamina.retry_context(
                on=_may_come_up, attempts=None, timeout=_DATABASE_START_SECONDS, wait_max=2.0
            ):
                with attempt:
                    await asyncio.to_thread(upgrade, url_of(complete))

    run(main)
    typer.echo("the schema is up to date", err=True)


def _may_come_up(fault: Exception) -> bool:
    """Say whether waiting may help; it does not where a user or a certificate is refused."""
    return is_unavailable(fault) and not (
        refuses_connection(fault) or isinstance(fault, ssl.SSLError | ClientConfigurationError)
    )
