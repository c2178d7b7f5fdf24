"""A real promtool, and a real Prometheus with our sample configuration, for the drives."""

import os
import re
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import httpx
import yaml

from tests.support.processes import free_port

ROOT: Final = Path(__file__).parents[2]
FOLDER: Final = ROOT / "docs/operations"
SAMPLED_SECONDS: Final = 15
# Replaces 15 s, the interval of the sample; the times in the rules shrink with it.
INTERVAL_SECONDS: Final = float(os.environ.get("ASSAY_DRIVE_INTERVAL_SECONDS", "1"))


def promtool(*words: str, given: bytes | None = None) -> None:
    """Run a command of promtool that must succeed."""
    done = subprocess.run(  # noqa: S603
        ["promtool", *words],  # noqa: S607
        input=given,
        capture_output=True,
        check=False,
        cwd=ROOT,
    )
    assert done.returncode == 0, (done.stdout + done.stderr).decode()


def shrunk(minutes: re.Match[str]) -> str:
    """Return the `for` of a rule, shortened as the interval is."""
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


async def answered(prometheus: httpx.AsyncClient, query: str) -> list[Any]:
    """Return what a query finds now."""
    found: list[Any] = (await asked(prometheus, "query", query=query)).get("result", [])
    return found
