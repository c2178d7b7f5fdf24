"""The part `growth`: every read on an empty and on a grown database, and the claim of the loop."""

import asyncio
import statistics
import subprocess
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import asyncpg

from app.orders import leases
from app.orders.rules.rails import Rail
from app.runtime.db.engine import create_database
from app.runtime.paging import write_cursor
from app.runtime.security import new_api_key
from benchmarks import calls as kinds
from benchmarks.calls import Call
from benchmarks.load import Request
from benchmarks.measuring import Measured, measure, say
from benchmarks.report import Figure, Report, at_most
from benchmarks.servers import assay_command, clean_environment
from benchmarks.stage import Stage
from benchmarks.world import connect, make_world

EMPTY: Final = "empty"
GROWN: Final = "grown"
_CALLERS: Final = 100
_MOST_SECONDS: Final = 180.0
_MOST_GROWTH: Final = 1.3
_MOST_CLAIM_MS: Final = 2.0
_CLAIMS: Final = 50
_DUE: Final = 100
_DEPTH: Final = 25_000  # orders before the deep page
# The account of `assay benchmark-data` that has a long list of orders.
_LONG_LIST: Final = "acc_" + "0" * 25
_DEEP: Final = """
    SELECT created_at, id FROM orders WHERE buyer_id = $1
    ORDER BY created_at DESC, id DESC OFFSET $2 LIMIT 1"""
_KEY: Final = """
    INSERT INTO api_keys (prefix, secret_hash, account_id, created_at)
    VALUES ($1, $2, $3, now())"""
_SOME_DUE: Final = """
    UPDATE orders SET next_look_at = now() - interval '1 second', lease_token = NULL,
        lease_until = NULL
    WHERE id IN (SELECT id FROM orders WHERE status = 'UNPAID' ORDER BY id LIMIT $1)"""


class NotFilled(Exception):
    """`assay benchmark-data` failed; the message has its words."""


async def measure_growth(
    stage: Stage, report: Report, *, rounds: int, seconds: float, sizes: Sequence[str] = ()
) -> None:
    """Measure both databases in turns; `sizes` are options for `assay benchmark-data`."""
    urls = {name: await stage.database(name) for name in (EMPTY, GROWN)}
    took = await asyncio.to_thread(_fill, urls[GROWN], sizes, stage.folder)
    report.figures.append(at_most("assay benchmark-data", took, "s", _MOST_SECONDS))
    async with AsyncExitStack() as stack:
        servers, calls = {}, []
        for name, url in urls.items():
            world = await make_world(url, callers=_CALLERS)
            servers[name] = await stack.enter_async_context(stage.assay(name, url, "serve"))
            asked = await kinds.ask_before(servers[name].base_url, world, callers=_CALLERS // 5)
            calls += [
                replace(call, name=f"{call.name} {name}", server=name)
                for call in kinds.assay_calls(world, asked)
                if call.ceiling == kinds.C_READ
            ]
        first, deep = await _pages(urls[GROWN])
        calls += [first, deep]
        calls = [replace(call, connections=1) for call in calls]
        found = await measure(calls, servers, stage.requests_file, rounds=rounds, seconds=seconds)
    report.figures += _figures(found, first.name, deep.name)
    report.figures += await _claims(urls[GROWN])


def _fill(url: str, sizes: Sequence[str], folder: Path) -> float:
    """Run `assay benchmark-data`; return the seconds it took. Raises NotFilled."""
    say("filling a database by `assay benchmark-data`")
    began = time.monotonic()
    done = subprocess.run(  # noqa: S603
        assay_command("benchmark-data", *sizes),
        env=clean_environment({"ASSAY_DATABASE_URL": url}),
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise NotFilled(f"assay benchmark-data ended with {done.returncode}: {done.stderr[-2000:]}")
    return time.monotonic() - began


async def _pages(url: str) -> tuple[Call, Call]:
    """Return the calls of the first page of a long list of orders, and of one deep in it."""
    key = new_api_key()
    connection = await connect(url)
    try:
        await connection.execute(_KEY, key.prefix, key.secret_hash, _LONG_LIST)
        row = await connection.fetchrow(_DEEP, _LONG_LIST, _DEPTH)
    finally:
        await connection.close()
    cursor = write_cursor((row["created_at"], row["id"])) if row else ""
    path = "/api/orders"
    return (
        Call("first page of a long list", GROWN, [Request("GET", path, key.text)]),
        Call("deep page of it", GROWN, [Request("GET", f"{path}?cursor={cursor}", key.text)]),
    )


def _figures(found: dict[str, Measured], first: str, deep: str) -> list[Figure]:
    figures = []
    for name, one in found.items():
        if one.call.server == GROWN and name not in {first, deep}:
            call = name.removesuffix(f" {GROWN}")
            growth = one.least_p50_ms / found[f"{call} {EMPTY}"].least_p50_ms
            words = f"grown database: {call}, p50 by that on an empty one"
            figures.append(at_most(words, growth, "x", _MOST_GROWTH))
    depth = found[deep].least_p50_ms / found[first].least_p50_ms
    figures.append(at_most("page at depth, p50 by the first page's", depth, "x", _MOST_GROWTH))
    return figures


async def _claims(url: str) -> list[Figure]:
    """Time claims of the loop while some orders are due, and while all open ones are."""
    connection = await connect(url)
    try:
        open_orders: int = await connection.fetchval(
            "SELECT count(*) FROM orders WHERE status = 'UNPAID'"
        )
        few = await _claim_ms(url, connection, _DUE)
        all_of_them = await _claim_ms(url, connection, open_orders)
    finally:
        await connection.close()
    return [
        at_most(f"claim of the loop, {_DUE} orders due", few, "ms", _MOST_CLAIM_MS),
        Figure(f"claim of the loop, {open_orders} orders due", all_of_them, "ms"),
    ]


async def _claim_ms(url: str, connection: asyncpg.Connection, due: int) -> float:
    """Return the median of some claims, in ms, while so many orders are due."""
    await connection.execute(_SOME_DUE, due)
    await connection.execute("ANALYZE orders")
    database, taken = create_database(url), []
    try:
        for _ in range(min(_CLAIMS, due)):
            async with database.sessions() as session:
                began = time.perf_counter()
                await leases.claim_poll(session, Rail.AEONTO, datetime.now(UTC))
                taken.append((time.perf_counter() - began) * 1000)
    finally:
        await database.dispose()
    return statistics.median(taken)
