"""A sandbox of AEON.to whose limits nobody reaches: `python -m benchmarks.upstream PORT`."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Final

import uvloop

from app.cli.running import stop_event
from app.sandbox import create_sandbox, serve_sandbox
from app.sandbox.api import BASE_PATH
from benchmarks.servers import Server, clean_environment, free_port, serving
from benchmarks.stage import Stage

_RATE_SCALE: Final = Decimal(1_000_000)


@asynccontextmanager
async def upstream_serving(stage: Stage) -> AsyncIterator[tuple[Server, str]]:
    """Run the sandbox in a process of its own; yield it with the base URL of its API."""
    port = free_port()
    async with serving(
        "upstream",
        [sys.executable, "-m", "benchmarks.upstream", str(port)],
        folder=stage.subfolder("upstream"),
        port=port,
        environment=clean_environment({}),
        ready="/control/stats",
    ) as server:
        yield server, server.base_url + BASE_PATH


async def _serve(port: int) -> None:
    stopping = stop_event()
    app = create_sandbox(rate_scale=_RATE_SCALE, creation_delay_seconds=0, seed=7)
    async with serve_sandbox(app, port=port):
        await stopping.wait()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(int(sys.argv[1])))
