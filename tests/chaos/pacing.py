"""The shared pace under processes that are stopped, continued and killed: is any limit passed?"""

import asyncio
import signal
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Final

from tests.chaos.deployment import STRICT, Deployment, deployed, open_folder
from tests.chaos.slow_network import Delays, slow_network
from tests.support.processes import Process, free_port

STATUS: Final = "order_status_query"
# AEON.to API v3: 3 status queries a second.
_LIMIT_PER_SECOND: Final = 3
# One way, so that a round trip takes 100 to 140 ms.
STEADY: Final = (0.05, 0.07)
JUMPING: Final = (0.02, 0.5)


@dataclass
class Senders:
    """So many processes that ask as often as they may, over a network that is slow."""

    deployment: Deployment
    processes: list[Process]
    delays: Delays
    chance: Random

    async def requests(self) -> int:
        """Return how many requests the sandbox has had."""
        return await self.deployment.upstream.requests(STATUS)

    async def over_limit(self) -> int:
        """Return how many were over the limit."""
        found: int = (await self.deployment.upstream.stats())["over_limit"]
        return found

    async def until_asking(self) -> None:
        """Wait until requests arrive."""
        before = await self.requests()
        async with asyncio.timeout(60):
            while await self.requests() < before + _LIMIT_PER_SECOND:
                await asyncio.sleep(0.05)

    async def budget_use(self, seconds: float) -> float:
        """Return the share of the limit that is used while nothing is broken."""
        self.delays.least, self.delays.most = STEADY
        await self.until_asking()
        began, before = time.monotonic(), await self.requests()
        await asyncio.sleep(seconds)
        took, arrived = time.monotonic() - began, await self.requests() - before
        return arrived / took / _LIMIT_PER_SECOND

    async def suffer(self, seconds: float, *, longest_stop_seconds: float) -> str:
        """Let delays jump, and stop, continue and kill for so long; return what was done."""
        self.delays.least, self.delays.most = JUMPING
        stop_at, kills, stops = time.monotonic() + seconds, 0, 0
        while time.monotonic() < stop_at:
            await asyncio.sleep(self.chance.uniform(0.2, 1.5))
            process = self.chance.choice(self.processes)
            if self.chance.random() < 0.3:
                process.end(signal.SIGKILL)
                process.start()
                kills += 1
            else:
                process.send(signal.SIGSTOP)
                await asyncio.sleep(self.chance.uniform(0.1, longest_stop_seconds))
                process.send(signal.SIGCONT)
                stops += 1
        return f"{kills} kill -9, {stops} SIGSTOP, delays of 20 to 500 ms"


@asynccontextmanager
async def sending(count: int, seed: int) -> AsyncIterator[Senders]:
    """Run so many processes against a sandbox with the documented limits."""
    chance = Random(seed)  # noqa: S311  a replay
    delays, port = Delays(chance, *STEADY), free_port()
    async with deployed(0, scale=STRICT, seed=seed) as deployment:
        path = deployment.upstream.base_url.partition("/api/")[2]
        sandbox_port = int(deployment.upstream.base_url.split(":")[2].partition("/")[0])
        url = f"http://127.0.0.1:{port}/api/{path}"
        with open_folder() as folder:
            processes = [_sender(folder / str(n), deployment, url) for n in range(count)]
            try:
                async with slow_network(port, sandbox_port, delays):
                    for process in processes:
                        process.start()
                    yield Senders(deployment, processes, delays, chance)
            finally:
                for process in processes:
                    process.end()


def _sender(folder: Path, deployment: Deployment, url: str) -> Process:
    folder.mkdir()
    return Process(deployment.database_url, url, folder=folder, module="tests.chaos.paced")
