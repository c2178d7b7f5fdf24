"""The part `loop`: how fast orders are carried on, and what very many open ones cost."""

import asyncio
import time
from collections.abc import Sequence
from typing import Any, Final

import asyncpg
import httpx

from benchmarks.measuring import say
from benchmarks.report import Figure, Report, at_most
from benchmarks.stage import SETTINGS, Stage
from benchmarks.upstream import upstream_serving
from benchmarks.world import connect, make_world, write_orders

_CALLERS: Final = 20
_EACH: Final = 30
_PATIENCE_SECONDS: Final = 300.0
_LOOK_SECONDS: Final = 0.1
_OPEN_ORDERS: Final = 10_000
_AT_ONCE: Final = 16
_SETTLE_SECONDS: Final = 10.0
_WATCHED_SECONDS: Final = 30.0
_AMOUNT: Final = "0.005"

# What AEON.to knows is open for an hour; when each is looked at next is spread over a minute.
_OPEN: Final = """
    INSERT INTO orders (id, buyer_id, beneficiary_id, number_of_credits, payment_coin,
        payment_network, rail, price_btc, btc_amount, btc_dest_address, granting_status, status,
        status_since, create_by, max_open_orders, next_look_at, look_urgency, created_at,
        updated_at)
    SELECT 'ord_' || left(md5(uuid), 25), $2, $2, 10, 'Aeon', 'AEON', 'aeonto', 0.0005, 0.005, $3,
        'BTC_SENT', 'UNPAID', now(), now() + interval '1 hour', 0,
        now() + number * interval '6 milliseconds', 4, now(), now()
    FROM unnest($1::text[]) WITH ORDINALITY known(uuid, number)"""
_OPEN_EVENTS: Final = """
    INSERT INTO order_events (order_id, kind, from_status, to_status, at, reason)
    SELECT 'ord_' || left(md5(uuid), 25), 'moved', before, after, now(), 'benchmark'
    FROM unnest($1::text[]) uuid,
        (VALUES (1, NULL, 'TO_BE_CREATED'), (2, 'TO_BE_CREATED', 'UNPAID')) step(n, before, after)
    ORDER BY uuid, n"""
_OPEN_PAYMENTS: Final = """
    INSERT INTO payments (order_id, uuid, state, btc_amount, btc_dest_address, expires_at, seen_at)
    SELECT 'ord_' || left(md5(uuid), 25), uuid, 'UNPAID', 0.005, $2, now() + interval '1 hour', now()
    FROM unnest($1::text[]) uuid"""


async def measure_loop(stage: Stage, report: Report) -> None:
    """Measure the reconciler, and add what was found to the report."""
    async with upstream_serving(stage) as (_, base_url):
        report.figures += await _carried_on(stage, base_url)
        report.figures += await _many_open(stage, base_url)


async def _carried_on(stage: Stage, base_url: str) -> list[Figure]:
    """Let a worker create orders at a sandbox without limits, and see each once."""
    url = await stage.database("loop")
    world = await make_world(url, callers=_CALLERS)
    connection = await connect(url)
    try:
        count = _CALLERS * _EACH
        say(f"letting a worker carry on {count + len(world.orders)} orders")
        await write_orders(connection, world.callers, each=_EACH)
        count += len(world.orders)
        async with stage.assay(
            "loop", url, "worker", ASSAY_AEONTO_BASE_URL=base_url, ASSAY_AEONTO_RATE_SCALE="1000"
        ) as server:
            began, cpu = time.monotonic(), server.cpu_seconds()
            before = await _seen(connection)
            while await _seen(connection) < count:
                if time.monotonic() > began + _PATIENCE_SECONDS:
                    raise TimeoutError(f"{count} orders were not seen in {_PATIENCE_SECONDS:g} s")
                await asyncio.sleep(_LOOK_SECONDS)
            seconds, cpu = time.monotonic() - began, server.cpu_seconds() - cpu
    finally:
        await connection.close()
    seen = count - before
    return [
        Figure("loop: orders created and seen", seen / seconds, "/s"),
        Figure("loop: CPU per order", cpu / seen * 1000, "ms"),
    ]


async def _seen(connection: asyncpg.Connection) -> int:
    """Count the orders of which a report came after their creation."""
    count: int = await connection.fetchval("SELECT count(*) FROM orders WHERE status = 'UNPAID'")
    return count


async def _many_open(stage: Stage, base_url: str) -> list[Figure]:
    """Watch a worker over very many open orders, at the real limits of AEON.to."""
    url = await stage.database("open")
    world = await make_world(url, callers=1)
    connection = await connect(url)
    try:
        await connection.execute(
            "UPDATE orders SET status = 'FAILED', failure_reason = 'old', next_look_at = NULL"
        )
        await _write_open(connection, world.callers[0].account_id, await _create(base_url))
    finally:
        await connection.close()
    say(f"watching a worker with {_OPEN_ORDERS} open orders for {_WATCHED_SECONDS:g} s")
    async with stage.assay("open", url, "worker", ASSAY_AEONTO_BASE_URL=base_url) as server:
        await asyncio.sleep(_SETTLE_SECONDS)
        cpu = server.cpu_seconds()
        await asyncio.sleep(_WATCHED_SECONDS)
        share = (server.cpu_seconds() - cpu) / _WATCHED_SECONDS * 100
        megabytes = server.resident_mb()
    return [
        at_most(f"{_OPEN_ORDERS} open orders: CPU of a worker", share, "% of a core", 5.0),
        at_most(f"{_OPEN_ORDERS} open orders: memory of a worker", megabytes, "MB", 100.0),
    ]


async def _create(base_url: str) -> list[str]:
    """Create orders at the sandbox; return their uuids."""
    say(f"creating {_OPEN_ORDERS} orders at the sandbox")
    uuids: list[str] = []
    order: dict[str, Any] = {
        "btc_amount": _AMOUNT,
        "btc_dest_address": SETTINGS["ASSAY_BTC_DEST_ADDRESS"],
    }
    async with httpx.AsyncClient(base_url=base_url, trust_env=False, timeout=60) as http:

        async def create(count: int) -> None:
            for _ in range(count):
                answer = await http.post("order_create/", json=order)
                answer.raise_for_status()
                uuids.append(answer.json()["uuid"])

        await asyncio.gather(*(create(_OPEN_ORDERS // _AT_ONCE) for _ in range(_AT_ONCE)))
    return uuids


async def _write_open(
    connection: asyncpg.Connection, account_id: str, uuids: Sequence[str]
) -> None:
    destination = SETTINGS["ASSAY_BTC_DEST_ADDRESS"]
    async with connection.transaction():
        await connection.execute(_OPEN, uuids, account_id, destination)
        await connection.execute(_OPEN_EVENTS, uuids)
        await connection.execute(_OPEN_PAYMENTS, uuids, destination)
    await connection.execute("ANALYZE")
