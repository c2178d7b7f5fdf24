"""The parts `process` and `memory`: what a process costs to start, idle, and over many requests."""

import asyncio
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from typing import Final, NamedTuple

from benchmarks.calls import assay_calls
from benchmarks.load import put_load
from benchmarks.measuring import say
from benchmarks.report import Figure, Report, at_most
from benchmarks.servers import Server, assay_command, clean_environment
from benchmarks.stage import Stage
from benchmarks.upstream import upstream_serving
from benchmarks.world import connect, make_world

_STARTS: Final = 5
_SETTLE_SECONDS: Final = 8.0
_IDLE_SECONDS: Final = 20.0
_REQUESTS: Final = 100_000
_LOAD_SECONDS: Final = 10.0
_IMPORTS: Final = "import fastapi, sqlalchemy.ext.asyncio, asyncpg"
_MOST_MB: Final = 120.0
_MOST_GROWTH_MB: Final = 5.0


class Spent(NamedTuple):
    """What a command took from start to end, in seconds."""

    wall: float
    cpu: float


async def measure_process(stage: Stage, report: Report) -> None:
    """Measure start, help, idling and memory, and add them to the report."""
    url = await stage.database("process")
    async with upstream_serving(stage) as (_, base_url):
        settings = {"ASSAY_RUN_WORKER": "true", "ASSAY_AEONTO_BASE_URL": base_url}
        report.figures += await _starts(stage, url, settings)
        say(f"watching an idle `assay serve` for {_SETTLE_SECONDS + _IDLE_SECONDS:g} s")
        async with stage.assay("idle", url, "serve", **settings) as server:
            report.figures += await _idle(server, url)


async def _starts(stage: Stage, url: str, settings: dict[str, str]) -> list[Figure]:
    """Measure starts in turns, so that what else the machine does meets all alike."""
    imports, helps, readies = [], [], []
    await asyncio.to_thread(_spent, [sys.executable, "-c", _IMPORTS])  # compiles
    for number in range(_STARTS):
        say(f"start {number + 1} of {_STARTS}")
        imports.append(await asyncio.to_thread(_spent, [sys.executable, "-c", _IMPORTS]))
        helps.append(await asyncio.to_thread(_spent, assay_command("--help")))
        began = time.monotonic()
        async with stage.assay("start", url, "serve", **settings) as server:
            readies.append(Spent(time.monotonic() - began, server.cpu_seconds()))
    base = _median(imports)
    ready, shown = _median(readies), _median(helps)
    return [
        Figure("import of FastAPI, SQLAlchemy and asyncpg", base.wall, "s"),
        Figure("start of `assay serve` to ready", ready.wall, "s"),
        at_most("start to ready, by the import", ready.wall / base.wall, "x", 2.0),
        Figure("CPU of a start to ready", ready.cpu, "s"),
        at_most("`assay --help`, by the import", shown.wall / base.wall, "x", 0.3),
        Figure("CPU of `assay --help`", shown.cpu, "s"),
    ]


def _median(spent: Sequence[Spent]) -> Spent:
    return Spent(
        statistics.median(one.wall for one in spent), statistics.median(one.cpu for one in spent)
    )


def _spent(command: Sequence[str]) -> Spent:
    """Run a command to its end. Raises ChildProcessError when it fails."""
    began = time.monotonic()
    with subprocess.Popen(  # noqa: S603
        command, env=clean_environment({}), stdout=subprocess.DEVNULL
    ) as process:
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise ChildProcessError(f"{' '.join(command)} ended with {process.returncode}")
    return Spent(time.monotonic() - began, usage.ru_utime + usage.ru_stime)


async def _idle(server: Server, url: str) -> list[Figure]:
    """Measure a service with loops that nobody calls, once it has settled."""
    await asyncio.sleep(_SETTLE_SECONDS)
    connection = await connect(url)
    try:
        cpu, transactions = server.cpu_seconds(), await _transactions(connection)
        await asyncio.sleep(_IDLE_SECONDS)
        cpu = server.cpu_seconds() - cpu
        # The two counts are transactions themselves; the first is in the difference.
        transactions = await _transactions(connection) - transactions - 1
    finally:
        await connection.close()
    return [
        at_most(
            "idle `assay serve` with loops: CPU", cpu / _IDLE_SECONDS * 100, "% of a core", 0.5
        ),
        at_most("idle: transactions", transactions / _IDLE_SECONDS, "/s", 2.0),
        at_most("idle: memory", server.resident_mb(), "MB", _MOST_MB),
    ]


async def _transactions(connection: object) -> int:
    """Count the transactions of a database so far; backends say so after a second at the latest."""
    count: int = await connection.fetchval(  # type: ignore[attr-defined]  # asyncpg has no types
        "SELECT xact_commit + xact_rollback FROM pg_stat_database"
        " WHERE datname = current_database()"
    )
    return count


async def measure_memory(stage: Stage, report: Report) -> None:
    """Measure the memory of a service over many requests, and add it to the report."""
    url = await stage.database("memory")
    world = await make_world(url)
    status = next(one for one in assay_calls(world, []) if one.name == "check_order_status")
    async with stage.assay("memory", url, "serve") as server:
        sizes, sent = [], 0
        while sent < _REQUESTS:
            load = await put_load(
                server.base_url,
                stage.requests_file,
                status.requests,
                connections=status.connections,
                seconds=_LOAD_SECONDS,
            )
            sent += load.requests
            sizes.append(server.resident_mb())
            say(f"memory after {sent} of {_REQUESTS} requests: {sizes[-1]:.1f} MB")
    growth = sizes[-1] - sizes[0]
    report.figures += [
        at_most(f"memory after {sent} requests", sizes[-1], "MB", _MOST_MB),
        at_most("memory: growth after the first 10 s of load", growth, "MB", _MOST_GROWTH_MB),
    ]
