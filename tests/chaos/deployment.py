"""A deployment to break: PostgreSQL, the sandbox and replicas of `assay serve`, as real processes."""

import asyncio
import os
import shutil
import signal
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import httpx
from sqlalchemy import text

from app.runtime.db.embedded import EmbeddedPostgres
from app.runtime.db.engine import Database, create_database
from app.runtime.db.migrate import upgrade
from app.sandbox import esplora_urls
from tests.support.application import BTC_DEST_ADDRESS
from tests.support.processes import Process, free_port, succeeds
from tests.support.sandbox import Upstream

# Creations: 400 a minute. Enough for hundreds of orders in minutes, few enough to be reached.
SCALED: Final = 100
STRICT: Final = 1


class Postgres:
    """A PostgreSQL that keeps what it commits, also when it is stopped without a checkpoint."""

    def __init__(self, folder: Path) -> None:
        self._server = EmbeddedPostgres(folder)

    async def start(self) -> str:
        """Start the server, or start it again; return its URL, which stays the same."""
        return await self._server.start()

    async def stop(self) -> None:
        """Stop the server in good order."""
        await self._server.stop()

    async def crash(self) -> None:
        """Stop the server as `pg_ctl stop -m immediate` does: every session ends where it is."""
        pid = int((self._server.folder / "data" / "postmaster.pid").read_text().split("\n")[0])
        os.kill(pid, signal.SIGQUIT)
        await self._server.stop()

    @property
    def folder(self) -> Path:
        """Where the files are."""
        return self._server.folder


class Replica:
    """One `assay serve`; `clock` is the environment of one whose clock is wrong."""

    def __init__(self, folder: Path, clock: Mapping[str, str], **settings: str) -> None:
        folder.mkdir()
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        self.process = Process("serve", folder=folder, ASSAY_PORT=str(port), **settings, **clock)
        self._is_ready = _is_unready_for_its_clock if clock else succeeds

    @property
    def lives(self) -> bool:
        """Whether the process runs; a stopped one does."""
        return self.process.lives

    def start(self) -> None:
        """Start the process, or start it again."""
        self.process.start()

    def kill(self) -> None:
        """End the process in the middle of whatever it does."""
        self.process.end(signal.SIGKILL)

    async def terminate(self) -> float:
        """Ask the process to end; return the seconds that it took."""
        began = time.monotonic()
        await asyncio.to_thread(self.process.end, signal.SIGTERM)
        return time.monotonic() - began

    async def until_ready(self) -> None:
        """Wait until the process is ready for traffic, or would be if its clock were right."""
        await self.process.until_ready(f"{self.url}/readyz", self._is_ready)


def _is_unready_for_its_clock(answer: httpx.Response) -> bool:
    reasons = answer.json()["reasons"]
    return len(reasons) == 1 and reasons[0].startswith("the clock of this machine is ")


@dataclass
class Deployment:
    """Everything that runs, and what a test may do to it."""

    postgres: Postgres
    database: Database
    database_url: str
    sandbox: Process
    upstream: Upstream
    replicas: list[Replica]
    http: httpx.AsyncClient
    settings: dict[str, str] = field(default_factory=dict)

    @property
    def in_bitcoin(self) -> bool:
        """Whether it sells in bitcoin, too."""
        return "ASSAY_BITCOIN_DESCRIPTOR" in self.settings

    async def query(self, statement: str, **values: object) -> list[Any]:
        """Return the rows that a statement finds."""
        async with self.database.reading() as connection:
            return list(await connection.execute(text(statement), values))

    def audit(self) -> list[Any]:
        """Return what `assay audit` finds wrong."""
        breaches: list[Any] = self.sandbox.run_json("audit")["breaches"]
        return breaches

    async def rescale(self, scale: int) -> None:
        """Start everything again with other limits; the sandbox keeps its orders."""
        for process in (self.sandbox, *(replica.process for replica in self.replicas)):
            process.end()
            process.change(ASSAY_AEONTO_RATE_SCALE=str(scale))
        self.sandbox.start()
        await self.sandbox.until_ready(self.upstream.base_url.partition("/api/")[0] + "/")
        await self.start_all()

    async def start_all(self) -> None:
        """Start every replica that does not run, and wait until all are ready."""
        for replica in self.replicas:
            if not replica.lives:
                replica.start()
        await asyncio.gather(*(replica.until_ready() for replica in self.replicas))


@contextmanager
def open_folder() -> Iterator[Path]:
    """Make a folder that the database server's user may enter, and remove it at the end."""
    folder = Path(tempfile.mkdtemp(prefix="assay-chaos-"))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


@asynccontextmanager
async def deployed(
    replicas: int,
    *,
    scale: int = SCALED,
    seed: int = 1,
    upstream_url: str | None = None,
    bitcoin_descriptor: str | None = None,
    clock_of_the_last: Mapping[str, str] | None = None,
    **settings: str,
) -> AsyncIterator[Deployment]:
    """Run a deployment of so many replicas, on a database of its own, until the end of the body.

    `scale` multiplies every limit of AEON.to on both sides. `seed` gives the sandbox's chances.
    `bitcoin_descriptor`: the wallet whose orders are paid in bitcoin, on the sandbox's chain.
    `clock_of_the_last`: the environment that gives the last replica a wrong clock.
    """
    async with AsyncExitStack() as stack:
        folder = stack.enter_context(open_folder())
        postgres = Postgres(folder / "postgres")
        url = await postgres.start()
        stack.push_async_callback(postgres.stop)
        await asyncio.to_thread(upgrade, url)
        shared = {
            "ASSAY_AEONTO_RATE_SCALE": str(scale),
            "ASSAY_DATABASE_URL": url,
            "ASSAY_BTC_DEST_ADDRESS": BTC_DEST_ADDRESS,
            "ASSAY_MAX_OPEN_ORDERS": "0",  # a few buyers place hundreds
            **settings,
        }
        sandbox, base_url = _sandbox(folder, seed, shared)
        stack.callback(sandbox.end)
        sandbox.start()
        shared["ASSAY_AEONTO_BASE_URL"] = upstream_url or base_url
        shared["ASSAY_CRYSTAL_URL"] = f"{base_url.partition('/api/')[0]}/crystal/"
        if bitcoin_descriptor is not None:
            shared["ASSAY_BITCOIN_DESCRIPTOR"] = bitcoin_descriptor
            shared["ASSAY_ESPLORA_URL"] = ",".join(esplora_urls(base_url))
        all_replicas = [
            Replica(
                folder / f"replica-{number}",
                (clock_of_the_last or {}) if number == replicas - 1 else {},
                **shared,
            )
            for number in range(replicas)
        ]
        for replica in all_replicas:
            stack.callback(replica.kill)
        database = create_database(url, pool_size=5)
        stack.push_async_callback(database.dispose)
        http = await stack.enter_async_context(httpx.AsyncClient(trust_env=False, timeout=60))
        await sandbox.until_ready(base_url.partition("/api/")[0] + "/")
        deployment = Deployment(
            postgres, database, url, sandbox, Upstream(base_url, http), all_replicas, http, shared
        )
        await deployment.start_all()
        yield deployment


def _sandbox(folder: Path, seed: int, settings: dict[str, str]) -> tuple[Process, str]:
    port = str(free_port())
    state = ("--state", str(folder / "sandbox.sqlite"))
    sandbox = Process(
        "sandbox", "--port", port, "--seed", str(seed), *state, folder=folder, **settings
    )
    return sandbox, f"http://127.0.0.1:{port}/api/v3/aeon2btc/"
