"""`assay serve --workers 2`: one port, one set of metrics, the loops in one process, none missed for long."""

import asyncio
import json
import os
import re
import signal
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import httpx
import pytest

from tests.support.application import BTC_DEST_ADDRESS
from tests.support.processes import Process, free_port

ASKED = re.compile(r'^assay_http_requests_total\{.*"/healthz".*\} (\S+)$', re.MULTILINE)


@pytest.fixture
async def serve(tmp_path: Path, database_url: str) -> AsyncIterator[tuple[Process, str]]:
    """`assay serve --workers 2`, started, and where it listens."""
    port = free_port()
    started = Process(
        "serve",
        "--workers",
        "2",
        folder=tmp_path,
        ASSAY_PORT=str(port),
        ASSAY_DATABASE_URL=database_url,
        ASSAY_BTC_DEST_ADDRESS=BTC_DEST_ADDRESS,
        ASSAY_AEONTO_BASE_URL="http://127.0.0.1:9/api/v3/aeon2btc/",
    )
    started.start()
    await started.until_ready(f"http://127.0.0.1:{port}/readyz")
    yield started, f"http://127.0.0.1:{port}"
    started.end()


def logged(started: Process, event: str) -> list[int]:
    """Return the processes that have logged an event."""
    lines = [line for line in started.output.read_text().splitlines() if line.startswith("{")]
    said = [json.loads(line) for line in lines]
    return [one["pid"] for one in said if one["event"] == event]


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(120):
        while not holds():
            await asyncio.sleep(0.05)


async def answered(url: str, times: int) -> None:
    """Ask so often, each time over another connection, so that any worker may answer."""
    for _ in range(times):
        async with httpx.AsyncClient(base_url=url, trust_env=False, timeout=60) as http:
            assert (await http.get("/healthz")).status_code == 200


async def counted(url: str) -> float:
    async with httpx.AsyncClient(base_url=url, trust_env=False, timeout=60) as http:
        metrics = await http.get("/metrics")
    return sum(float(number) for number in ASKED.findall(metrics.text))


async def test_two_workers_share_port_metrics_and_loops_and_the_dead_one_is_replaced(
    serve: tuple[Process, str],
) -> None:
    started, url = serve
    await until(lambda: len(logged(started, "worker_starts")) == 2)
    await until(lambda: len(logged(started, "loops_run_here")) == 1)
    await answered(url, 20)
    assert await counted(url) == 20
    [with_loops] = logged(started, "loops_run_here")
    [other] = {*logged(started, "worker_starts")} - {with_loops}
    os.kill(with_loops, signal.SIGKILL)
    await until(lambda: logged(started, "loops_run_here") == [with_loops, other])
    await until(lambda: len(logged(started, "worker_starts")) == 3)
    await answered(url, 20)
    assert await counted(url) == 40  # what a worker counted outlives it
    assert len(logged(started, "loops_run_here")) == 2
    assert await asyncio.to_thread(started.end, signal.SIGTERM) == 0
    for pid in logged(started, "worker_starts"):
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)
