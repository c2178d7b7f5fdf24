"""The rules and the sample configuration with a real promtool and Prometheus: `./run prometheus`.

Not one of `./run test`: it needs both. The deployment is a server without loops and a worker, which
is killed with an order just placed. ASSAY_DRIVE_INTERVAL_SECONDS replaces 15 s, the interval of the
sample, and the times in the rules shrink with it.
"""

import asyncio
import os
import re
import signal
import subprocess
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
import yaml

from app.runtime.db.engine import Database
from tests.support.application import BTC_DEST_ADDRESS
from tests.support.orders import place_order
from tests.support.people import make_user
from tests.support.processes import Process, free_port
from tests.support.sandbox import serving_upstream

ROOT: Final = Path(__file__).parents[2]
FOLDER: Final = ROOT / "docs/operations"
SAMPLED_SECONDS: Final = 15
INTERVAL_SECONDS: Final = float(os.environ.get("ASSAY_DRIVE_INTERVAL_SECONDS", "1"))


def promtool(*words: str, given: bytes | None = None) -> None:
    done = subprocess.run(  # noqa: S603
        ["promtool", *words],  # noqa: S607
        input=given,
        capture_output=True,
        check=False,
        cwd=ROOT,
    )
    assert done.returncode == 0, (done.stdout + done.stderr).decode()


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


def shrunk(minutes: re.Match[str]) -> str:
    return f"for: {max(1, round(int(minutes[1]) * 60 * INTERVAL_SECONDS / SAMPLED_SECONDS))}s"


@asynccontextmanager
async def watching(folder: Path, *ports: int) -> AsyncIterator[httpx.AsyncClient]:
    """Run Prometheus with our rules on processes at these ports; lend a client of it."""
    rules = re.sub(r"for: (\d+)m", shrunk, (FOLDER / "alerts.yaml").read_text())
    silent = "min by (loop) (assay_loop_age_seconds) > "
    assert f"{silent}60\n" in rules
    rules = rules.replace(f"{silent}60\n", f"{silent}{15 + 3 * INTERVAL_SECONDS:.0f}\n")
    (folder / "alerts.yaml").write_text(rules)
    config: dict[str, Any] = yaml.safe_load((FOLDER / "prometheus.yaml").read_text())
    milliseconds = f"{INTERVAL_SECONDS * 1000:.0f}ms"
    config["global"] = dict.fromkeys(("scrape_interval", "evaluation_interval"), milliseconds)
    config["global"]["scrape_timeout"] = milliseconds
    [job] = config["scrape_configs"]
    job["static_configs"] = [{"targets": [f"127.0.0.1:{port}" for port in ports]}]
    (folder / "prometheus.yaml").write_text(yaml.safe_dump(config))
    port = free_port()
    with (folder / "prometheus.log").open("wb") as log:
        started = subprocess.Popen(  # noqa: ASYNC220, S603
            [  # noqa: S607
                "prometheus",
                f"--config.file={folder}/prometheus.yaml",
                f"--storage.tsdb.path={folder}/data",
                f"--web.listen-address=127.0.0.1:{port}",
            ],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
    try:
        async with httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{port}/api/v1/", trust_env=False
        ) as http:
            yield http
    finally:
        started.terminate()
        started.wait(timeout=20)


async def asked(prometheus: httpx.AsyncClient, path: str, **params: str) -> dict[str, Any]:
    """Return the data of an answer; nothing while Prometheus begins."""
    try:
        answer = await prometheus.get(path, params=params)
    except httpx.TransportError:
        return {}
    data: dict[str, Any] = answer.json()["data"] if answer.is_success else {}
    return data


async def firing(prometheus: httpx.AsyncClient) -> set[str]:
    """Return the names of the alerts that ring now."""
    alerts = (await asked(prometheus, "alerts")).get("alerts", [])
    return {alert["labels"]["alertname"] for alert in alerts if alert["state"] == "firing"}


async def answered(prometheus: httpx.AsyncClient, query: str) -> list[Any]:
    """Return what a query finds now."""
    found: list[Any] = (await asked(prometheus, "query", query=query)).get("result", [])
    return found


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
