"""A process that asks the sandbox about orders as often as the shared pace lets it.

    python -m tests.chaos.paced DATABASE_URL UPSTREAM_URL

It reserves as the reconciler does: one at a time, each request beside the next reservation.
"""

import asyncio
import sys
from contextlib import suppress
from decimal import Decimal

import uvloop

from app.partners.aeonto.client import AeontoClient, open_aeonto
from app.partners.failures import PartnerFailure
from app.runtime.clock import SystemClock
from app.runtime.db.engine import create_database
from app.runtime.db.failures import is_unavailable
from app.runtime.rate_limit.postgres import PostgresRateLimiter
from app.runtime.rate_limit.rules import Bucket, Slot


async def ask_for_ever(database_url: str, upstream_url: str) -> None:
    """Ask until killed."""
    clock = SystemClock()
    pace = PostgresRateLimiter(create_database(database_url), clock, Decimal(1))
    aeonto = AeontoClient(open_aeonto(upstream_url), pace=pace, clock=clock)
    in_flight: set[asyncio.Task[None]] = set()

    async def ask(slot: Slot) -> None:
        with suppress(PartnerFailure):
            await aeonto.order_status_query("aeonto-nobody", slot=slot)

    while True:
        try:
            slot = await pace.reserve(Bucket.ORDER_STATUS, within_seconds=2)
        except Exception as fault:
            if not is_unavailable(fault):
                raise
            await asyncio.sleep(0.1)
            continue
        if slot is not None:
            task = asyncio.create_task(ask(slot))
            in_flight.add(task)
            task.add_done_callback(in_flight.discard)


if __name__ == "__main__":
    uvloop.run(ask_for_ever(*sys.argv[1:]))
