"""A served Assay with its loops on a database of a test, and what it logs."""

import asyncio
import json
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx

from tests.support.application import BTC_DEST_ADDRESS
from tests.support.processes import Process, free_port
from tests.support.sandbox import Upstream

# What must not be in the log of a service that nothing happened to.
TROUBLE: Final = {
    "database_away",
    "database_not_ready",
    "job_failed",
    "job_lost_its_database",
    "loop_died",
    "tick_failed",
    "unhandled_fault",
}


@dataclass(frozen=True)
class Service:
    """A served Assay with its loops, in a process of its own."""

    process: Process
    base_url: str

    def events(self) -> list[dict[str, Any]]:
        """Return what it has logged so far."""
        lines = self.process.output.read_text().splitlines()
        return [json.loads(line) for line in lines if line.startswith("{")]

    async def get(self, path: str) -> httpx.Response:
        """Ask it."""
        async with httpx.AsyncClient(trust_env=False, timeout=60) as http:
            return await http.get(self.base_url + path)


@asynccontextmanager
async def serving(
    url: str, upstream: Upstream, folder: Path, *, until: str = "/readyz", **settings: str
) -> AsyncIterator[Service]:
    """Run `assay serve` on a database beside the body, once it answers at `until`."""
    port = str(free_port())
    process = Process(
        "serve",
        folder=folder,
        ASSAY_PORT=port,
        ASSAY_DATABASE_URL=url,
        ASSAY_BTC_DEST_ADDRESS=BTC_DEST_ADDRESS,
        ASSAY_AEONTO_BASE_URL=upstream.base_url,
        ASSAY_AEONTO_RATE_SCALE="1000",
        **settings,
    )
    service = Service(process, f"http://127.0.0.1:{port}")
    process.start()
    try:
        await process.until_ready(service.base_url + until)
        yield service
        assert await asyncio.to_thread(process.end, signal.SIGTERM) == 0
    finally:
        process.end()
