"""Real processes: `assay worker` shows that it lives, and SIGTERM ends any of them in good order."""

import asyncio
import signal
import socket
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from app.cli import http_server
from app.orders.worker import reconciler
from app.runtime.db.engine import Database
from app.runtime.loops.loops import GRACE_SECONDS
from tests.support.application import BTC_DEST_ADDRESS
from tests.support.load import under_load
from tests.support.orders import place_order
from tests.support.people import make_user
from tests.support.processes import Process, free_port
from tests.support.sandbox import Upstream, serving_upstream
from tests.support.server import learn_parameters

SIGTERM_SECONDS = 10


@pytest.fixture(scope="module")
async def upstream() -> AsyncIterator[Upstream]:
    """A sandbox for the processes of this module."""
    async with serving_upstream() as served:
        yield served


def process(command: str, folder: Path, port: int, url: str, upstream: Upstream) -> Process:
    return Process(
        command,
        folder=folder,
        ASSAY_PORT=str(port),
        ASSAY_DATABASE_URL=url,
        ASSAY_BTC_DEST_ADDRESS=BTC_DEST_ADDRESS,
        ASSAY_AEONTO_BASE_URL=upstream.base_url,
        ASSAY_AEONTO_RATE_SCALE="1000",
    )


@pytest.fixture
async def worker(
    tmp_path: Path, database_url: str, upstream: Upstream
) -> AsyncIterator[tuple[Process, str]]:
    """`assay worker`, not started yet, and where it will listen."""
    port = free_port()
    started = process("worker", tmp_path, port, database_url, upstream)
    yield started, f"http://127.0.0.1:{port}"
    started.end()


@pytest.fixture
async def serve(
    tmp_path: Path, database_url: str, upstream: Upstream
) -> AsyncIterator[tuple[Process, str]]:
    """`assay serve`, not started yet, and where it will listen."""
    port = free_port()
    started = process("serve", tmp_path, port, database_url, upstream)
    yield started, f"http://127.0.0.1:{port}"
    started.end()


async def end(process: Process) -> None:
    """End a process with SIGTERM; it must go in good order."""
    assert await asyncio.to_thread(process.end, signal.SIGTERM) == 0


def test_all_that_is_let_finish_after_sigterm_takes_less_than_ten_seconds_together() -> None:
    answers, ticks, calls = http_server._GRACE_SECONDS, GRACE_SECONDS, reconciler._DRAIN_SECONDS
    assert answers + ticks + calls < SIGTERM_SECONDS


async def test_worker_shows_that_it_lives_and_what_it_counts(worker: tuple[Process, str]) -> None:
    started, url = worker
    started.start()
    await started.until_ready(f"{url}/readyz")
    async with httpx.AsyncClient(base_url=url, trust_env=False, timeout=60) as http:
        alive = await http.get("/healthz")
        metrics = await http.get("/metrics")
        other = await http.get("/api/check_self_status")
    assert alive.json() == {"status": "ok", "reasons": [], "notes": []}
    assert alive.headers["X-Request-ID"]
    assert 'assay_loop_heartbeat_timestamp_seconds{loop="order_looks"}' in metrics.text
    assert other.status_code == 404
    assert other.json().keys() == {"detail", "code", "request_id"}
    await end(started)


async def test_worker_whose_port_is_taken_says_so_and_works_without(
    worker: tuple[Process, str], committed_database: Database
) -> None:
    started, url = worker
    with socket.create_server(("127.0.0.1", int(url.rpartition(":")[2]))):
        started.start()
        now = datetime.now(UTC)
        buyer = await make_user(committed_database, now)
        await place_order(committed_database, buyer, now)
        async with asyncio.timeout(60):
            while "order_moved" not in started.output.read_text():
                await asyncio.sleep(0.05)
    assert "health_not_served" in started.output.read_text()
    await end(started)


async def test_sigterm_under_load_fails_nothing_that_it_answers_and_ends(
    serve: tuple[Process, str], committed_database: Database, upstream: Upstream
) -> None:
    started, url = serve
    started.start()
    await started.until_ready(f"{url}/readyz")
    now = datetime.now(UTC)
    await learn_parameters(committed_database, now)
    caller = await make_user(committed_database, now)
    await upstream.fault("timeout", endpoint="order_create", seconds=60)  # a call is in flight
    async with under_load(url, caller) as load:
        await load.until_answered(60)
        await end(started)
    assert set(load.statuses) == {200, 201}
