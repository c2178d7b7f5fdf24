"""The stage of a run: a PostgreSQL of its own with durable settings, and the servers on it."""

import asyncio
import shutil
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sqlalchemy import make_url

from app.runtime.db.embedded import EmbeddedPostgres
from app.runtime.db.migrate import upgrade
from benchmarks.ceilings import DSN_VARIABLE, HTTP_PATH
from benchmarks.load import has_wrk
from benchmarks.servers import Server, assay_command, clean_environment, free_port, serving
from benchmarks.world import connect, dsn_of

_NOWHERE: Final = "http://127.0.0.1:9/api/v3/aeon2btc/"  # no loop runs, so nobody is asked
SETTINGS: Final = {
    "ASSAY_BTC_DEST_ADDRESS": "12Cyjf3qV6qLyXdzpLSLPdRFPUVidvnzFM",
    "ASSAY_AEONTO_BASE_URL": _NOWHERE,
    "ASSAY_LOG_FORMAT": "json",
    # The database counts the open orders of every buyer, as by default, but refuses none.
    "ASSAY_MAX_OPEN_ORDERS": "1000000",
}


@dataclass(frozen=True)
class Stage:
    """Where a run has its files, and its server of databases."""

    folder: Path
    server_url: str

    @property
    def requests_file(self) -> Path | None:
        """The file of requests for wrk; None where it is not installed."""
        return self.folder / "requests.tsv" if has_wrk() else None

    async def database(self, name: str) -> str:
        """Create a database with the schema of Assay; return its URL."""
        connection = await connect(self.server_url)
        try:
            await connection.execute(f'CREATE DATABASE "{name}"')
        finally:
            await connection.close()
        url = make_url(self.server_url).set(database=name).render_as_string(hide_password=False)
        await asyncio.to_thread(upgrade, url)
        return url

    def subfolder(self, name: str) -> Path:
        """Return a folder of this run's own, made when it is not there."""
        folder = self.folder / name
        folder.mkdir(exist_ok=True)
        return folder

    def assay(
        self, name: str, url: str, *words: str, **settings: str
    ) -> AbstractAsyncContextManager[Server]:
        """Run `assay WORDS` on a database, without loops unless the settings say otherwise."""
        port = free_port()
        environment = {
            "ASSAY_RUN_WORKER": "false",
            **SETTINGS,
            "ASSAY_DATABASE_URL": url,
            "ASSAY_PORT": str(port),
            **settings,
        }
        return serving(
            name,
            assay_command(*words),
            folder=self.subfolder(name),
            port=port,
            environment=clean_environment(environment),
            ready="/readyz",
        )

    def ceiling(self, factory: str, url: str) -> AbstractAsyncContextManager[Server]:
        """Run an application of benchmarks/ceilings.py under uvicorn, with one worker."""
        port = free_port()
        options = ["--factory", f"benchmarks.ceilings:{factory}", "--port", str(port)]
        options += ["--no-access-log", "--log-level", "warning"]
        return serving(
            factory,
            [sys.executable, "-m", "uvicorn", *options],
            folder=self.subfolder(factory),
            port=port,
            environment=clean_environment({DSN_VARIABLE: dsn_of(url)}),
            ready=HTTP_PATH,
        )


@asynccontextmanager
async def staged() -> AsyncIterator[Stage]:
    """Run a PostgreSQL beside the body, as durable as in production; remove it all afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="assay-benchmark-"))
    server = EmbeddedPostgres(folder / "postgres")
    try:
        async with server as url:
            yield Stage(folder, url)
    finally:
        for path in {folder, server.folder}:
            shutil.rmtree(path, ignore_errors=True)
