"""The rules and the sample configuration with a real promtool and Prometheus: `./run prometheus`.

Not one of `./run test`: it needs both. The deployment is a server without loops and a worker, which
is killed with an order just placed. ASSAY_DRIVE_INTERVAL_SECONDS replaces 15 s, the interval of the
sample, and the times in the rules shrink with it.
"""

import asyncio
import signal
import time
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from app.runtime.db.engine import Database
from tests.monitoring.prometheus import answered, asked, promtool, watching
from tests.support.application import BTC_DEST_ADDRESS
from tests.support.orders import place_order
from tests.support.people import make_user
from tests.support.processes import Process, free_port
from tests.support.sandbox import serving_upstream


@pytest.mark.parametrize(
    "words",
    [
        ("check", "rules", "docs/operations/alerts.yaml"),
        ("check", "config", "docs/operations/prometheus.yaml"),
        ("test", "rules", "tests/monitoring/alerts.test.yaml"),
    ],
    ids=" ".join,
)
def test_promtool_finds_no_fault(words: tuple[str, ...]) -> None:
    promtool(*words)


async def firing(prometheus: httpx.AsyncClient) -> set[str]:
    """Return the names of the alerts that ring now."""
    alerts = (await asked(prometheus, "alerts")).get("alerts", [])
    return {alert["labels"]["alertname"] for alert in alerts if alert["state"] == "firing"}


async def test_killed_worker_pages_while_a_server_without_loops_lives(
    committed_database: Database, database_url: str, tmp_path: Path
) -> None:
    now = datetime.now(UTC)
    buyer = await make_user(committed_database, now)
    ports = {"serve": free_port(), "worker": free_port()}
    async with serving_upstream() as upstream:
        processes = [
            Process(
                command,
                folder=tmp_path,
                ASSAY_PORT=str(port),
                ASSAY_DATABASE_URL=database_url,
                ASSAY_BTC_DEST_ADDRESS=BTC_DEST_ADDRESS,
                ASSAY_AEONTO_BASE_URL=upstream.base_url,
                ASSAY_RUN_WORKER="false",
            )
            for command, port in ports.items()
        ]
        try:
            for process, port in zip(processes, ports.values(), strict=True):
                process.start()
                await process.until_ready(f"http://127.0.0.1:{port}/readyz")
            async with watching(tmp_path, *ports.values()) as prometheus:
                async with asyncio.timeout(60):
                    while not await answered(prometheus, "assay_loop_age_seconds < 15"):
                        await asyncio.sleep(0.2)
                async with httpx.AsyncClient(trust_env=False, timeout=60) as http:
                    for port in ports.values():
                        text = await http.get(f"http://127.0.0.1:{port}/metrics")
                        promtool("check", "metrics", given=text.content)
                await place_order(committed_database, buyer, datetime.now(UTC))
                killed_at = time.monotonic()
                processes[1].end(signal.SIGKILL)
                wanted, seen = {"AssayDown", "AssayNoLoops"}, dict[str, float]()
                async with asyncio.timeout(300):
                    while not wanted <= seen.keys():
                        for name in await firing(prometheus) - seen.keys():
                            seen[name] = time.monotonic() - killed_at
                        await asyncio.sleep(0.2)
                print({name: round(seconds) for name, seconds in seen.items()})  # noqa: T201
                assert await answered(prometheus, "assay_oldest_due_order_seconds > 0")
        finally:
            for process in processes:
                process.end()
