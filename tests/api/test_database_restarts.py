"""PostgreSQL that crashes, and stays away, under load: 503 or the answer, never a 500."""

import asyncio
import shutil
import signal
import tempfile
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import httpx
import pytest
from sqlalchemy import text

from app.runtime.db.embedded import EmbeddedPostgres
from app.runtime.db.engine import create_database
from app.runtime.db.migrate import upgrade
from tests.api import problems
from tests.api.asking import refusal
from tests.support.application import BTC_DEST_ADDRESS
from tests.support.load import Load, under_load
from tests.support.people import make_user
from tests.support.processes import Process, free_port
from tests.support.sandbox import serving_upstream
from tests.support.server import learn_parameters

# Nobody waits for so long but where a process hangs.
PATIENCE_SECONDS: Final = 120
# By default; with `--all`, one after the other.
CRASHES, CRASHES_OF_EVERYTHING = 1, 3


class OwnServer:
    """A PostgreSQL that can crash and come back at the same address.

    It syncs what it commits: one that does not would lose what was answered.
    """

    def __init__(self, folder: Path) -> None:
        self._server = EmbeddedPostgres(folder)
        self.url = ""

    async def start(self) -> None:
        """Start it, or start it again: it recovers by itself."""
        self.url = await self._server.start()

    async def crash(self) -> None:
        """Do what `pg_ctl stop -m immediate` does: no checkpoint, no farewell."""
        assert self._server._process is not None
        self._server._process.send_signal(signal.SIGQUIT)
        await self._server.stop()

    async def stop(self) -> None:
        """End it."""
        await self._server.stop()


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that the server's user may enter, which pytest's own temporary ones are not."""
    folder = Path(tempfile.mkdtemp(prefix="assay-tests-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
async def own_server(open_folder: Path) -> AsyncIterator[OwnServer]:
    """A migrated server for this test alone."""
    server = OwnServer(open_folder / "pg")
    await server.start()
    await asyncio.to_thread(upgrade, server.url)
    yield server
    await server.stop()


@pytest.fixture
async def serve(own_server: OwnServer, tmp_path: Path) -> AsyncIterator[tuple[Process, str]]:
    """`assay serve` on that server, beside a sandbox."""
    port = str(free_port())
    async with serving_upstream() as upstream:
        process = Process(
            "serve",
            folder=tmp_path,
            ASSAY_PORT=port,
            ASSAY_DATABASE_URL=own_server.url,
            ASSAY_BTC_DEST_ADDRESS=BTC_DEST_ADDRESS,
            ASSAY_AEONTO_BASE_URL=upstream.base_url,
            ASSAY_AEONTO_RATE_SCALE="1000",
        )
        process.start()
        yield process, f"http://127.0.0.1:{port}"
        process.end()


async def until_ready_is(http: httpx.AsyncClient, status: int) -> None:
    """Ask /readyz until it answers with a status."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while (await http.get("/readyz")).status_code != status:
            await asyncio.sleep(0.02)


def judge(load: Load) -> None:
    """Nobody was left without an answer, and every answer is a documented one."""
    assert load.unanswered == []
    assert set(load.statuses) == {200, 201, 503}
    for answer in load.answers:
        if answer.status_code == 503:
            assert refusal(answer) in {problems.DATABASE_AWAY, problems.BUSY}
            assert int(answer.headers["Retry-After"]) > 0


async def test_crashes_of_postgresql_are_503_until_it_is_back(
    own_server: OwnServer, serve: tuple[Process, str], everything: bool
) -> None:
    process, url = serve
    await process.until_ready(f"{url}/readyz")
    database, now = create_database(own_server.url), datetime.now(UTC)
    caller = await make_user(database, now)
    await learn_parameters(database, now)
    async with (
        under_load(url, caller) as load,
        httpx.AsyncClient(base_url=url, trust_env=False, timeout=60) as http,
    ):
        for number in range(CRASHES_OF_EVERYTHING if everything else CRASHES):
            await load.until_answered(20)
            await own_server.crash()
            if number == 0:
                await until_ready_is(http, 503)
                await load.until_answered(60)
            await own_server.start()
            await until_ready_is(http, 200)
        await load.until_answered(20)
    judge(load)
    async with database.reading() as connection:
        kept = set(await connection.scalars(text("SELECT id FROM orders")))
    await database.dispose()
    accepted = {answer.json()["order_id"] for answer in load.answers if answer.status_code == 201}
    assert accepted <= kept
    assert process.end(signal.SIGTERM) == 0
    assert "unhandled_fault" not in process.output.read_text()
