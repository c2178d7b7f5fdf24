"""The pace of AEON.to that a command shares with the servers on its database."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from app.cli.databases import url_of, with_database
from app.runtime.clock import Clock
from app.runtime.db.engine import create_database
from app.runtime.rate_limit.postgres import PostgresRateLimiter
from app.runtime.rate_limit.rules import Pace
from app.settings import Settings


@asynccontextmanager
async def shared_pace(settings: Settings, clock: Clock) -> AsyncIterator[Pace]:
    """Yield the pace that every process on the same database keeps."""
    async with with_database(settings) as complete:
        database = create_database(url_of(complete), pool_size=1)
        try:
            yield PostgresRateLimiter(database, clock, settings.aeonto.rate_scale)
        finally:
            await database.dispose()
