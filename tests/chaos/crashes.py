"""Scenarios in which processes, PostgreSQL and connections die: R02 to R05, R17, R18."""

import asyncio
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Final

import httpx
from sqlalchemy import text

from tests.chaos.in_bitcoin import Payers
from tests.chaos.stage import Stage, on_stage
from tests.chaos.verdict import Verdict
from tests.orders.wallet.keys import BIP84_ZPUB

_FEW_MS: Final = 0.005
_PATIENCE_SECONDS: Final = 60.0
# AEON.to forgets an order 144 blocks after it was sent; no replica may need so long to ask.
_BLOCK_SECONDS: Final = 5.0
_KILLERS: Final = 2  # at times two of three replicas are away
# Long enough to be met by whoever ends sessions at random.
_SLOW_GRANT: Final = (
    """CREATE FUNCTION slow_grant() RETURNS trigger LANGUAGE plpgsql AS
       $$ BEGIN PERFORM pg_sleep(0.05); RETURN NEW; END $$""",
    """CREATE TRIGGER slow_grant BEFORE INSERT ON ledger_entries
       FOR EACH ROW WHEN (NEW.kind = 'purchase') EXECUTE FUNCTION slow_grant()""",
)
_IN_A_GRANT: Final = "query LIKE '%ledger_entries%' AND state IN ('active', 'idle in transaction')"


async def lost_creation(seed: int) -> Verdict:
    """R02: the answer to a creation comes late, and the replica is killed meanwhile."""
    async with on_stage(seed, replicas=1) as stage:
        await stage.upstream.fault("timeout", when="after", endpoint="order_create", seconds=8)
        await stage.callers.buy_surely()
        await _until_upstream_has(stage, 1)
        await asyncio.sleep(1)
        await stage.breaker.kill()
        verdict = await stage.verdict("R02")
        known = {row.uuid for row in await stage.deployment.query("SELECT uuid FROM payments")}
        orphans = [o for o in await stage.upstream.orders() if o["uuid"] not in known]
        shown = " ".join(str(call.body) for call in stage.callers.calls)
        stage.expect(len(orphans) <= 1, f"{len(orphans)} orphans")
        for orphan in orphans:
            stage.expect(orphan["receiving_integrated_address"] not in shown, "an orphan was shown")
        verdict.wrong += stage.wrong
        return verdict


async def killed_while_polling(seed: int, repetitions: int = 50) -> Verdict:
    """R03: the one polling replica is killed 0 to 300 ms after it was told of BTC_SENT."""
    async with on_stage(seed, replicas=1) as stage:
        for _ in range(repetitions):
            await stage.callers.buy_surely()
        await _until_upstream_has(stage, repetitions)
        for order in await stage.upstream.orders():
            path = f"orders/{order['uuid']}"
            await stage.upstream.press(f"{path}/advance", to="BTC_SENT")
            await _until_polled(stage, order["uuid"], await _polls(stage, order["uuid"]))
            await asyncio.sleep(stage.chance.uniform(0, 0.3))
            await stage.breaker.kill()
        return await stage.verdict("R03")


async def all_sent_at_once(seed: int, orders: int = 100) -> Verdict:
    """R04: a hundred orders are sent in one moment, and three replicas grant them."""
    async with on_stage(seed) as stage:
        await stage.callers.buy_many(orders, per_second=50, patience=1)
        await _until_upstream_has(stage, orders)
        await stage.upstream.press("orders/all/advance", to="BTC_SENT")
        return await stage.verdict("R04")


async def everything_at_once(
    seed: int,
    orders: int = 500,
    kills: int = 60,
    restarts: int = 10,
    clock_of_the_last: Mapping[str, str] | None = None,
) -> Verdict:
    """R05, G1: orders come in on both rails while everything that can break breaks."""
    async with on_stage(
        seed, bitcoin_descriptor=BIP84_ZPUB, clock_of_the_last=clock_of_the_last
    ) as stage:
        payers = Payers(stage.callers, stage.breaker, block_seconds=_BLOCK_SECONDS, glances=10)
        await stage.upstream.press("auto", enabled=True, step_seconds=1)
        await stage.breaker.spoil_answers()
        async with asyncio.TaskGroup() as group:
            in_bitcoin = orders // 3
            group.create_task(
                stage.callers.buy_many(orders - in_bitcoin, per_second=8 / 3, patience=1)
            )
            group.create_task(payers.buy_many(in_bitcoin, per_second=4 / 3))
            for _ in range(_KILLERS):
                group.create_task(_kill_often(stage, kills))
            for _ in range(restarts):
                await asyncio.sleep(stage.chance.uniform(5, 15))
                await stage.breaker.terminate_backends()
                await stage.breaker.lie()
                group.create_task(stage.breaker.stop(stage.chance.choice((0.5, 2, 15))))
                group.create_task(stage.breaker.reorganise())
                group.create_task(stage.breaker.lag(stage.chance.uniform(2, 8)))
                await stage.breaker.restart_postgres()
                await stage.breaker.reorganise()
        gone = await stage.deployment.query(
            "SELECT count(DISTINCT order_id) AS n FROM bitcoin_outputs WHERE gone_at IS NOT NULL"
        )
        stage.wrong += payers.early
        return await stage.verdict(
            "R05",
            paid_in_bitcoin=payers.paid,
            answered_201=str(len(stage.callers.promised)),
            in_bitcoin=payers.summary(),
            orders_whose_payment_was_seen_and_gone=str(gone[0].n),
        )


async def _kill_often(stage: Stage, kills: int) -> None:
    while stage.breaker.counts.get("kill -9", 0) < kills:
        await asyncio.sleep(stage.chance.uniform(0, 1))
        await stage.breaker.kill(down_seconds=stage.chance.choice((0, 0, 1)))


async def database_restarts(seed: int, restarts: int = 10, down_seconds: float = 30) -> Verdict:
    """R17, G6: PostgreSQL restarts ten times under load, and stays away for half a minute once."""
    async with on_stage(seed) as stage:
        await stage.upstream.press("auto", enabled=True, step_seconds=1)
        async with asyncio.TaskGroup() as group:
            load = group.create_task(stage.callers.buy_many(200, per_second=3, patience=0.9))
            for _ in range(restarts):
                await asyncio.sleep(stage.chance.uniform(0.5, 3))
                await stage.breaker.restart_postgres()
            away = asyncio.create_task(stage.breaker.restart_postgres(down_seconds=down_seconds))
            await asyncio.sleep(down_seconds / 2)
            ready = await stage.deployment.http.get(f"{stage.deployment.replicas[0].url}/readyz")
            stage.expect(ready.status_code == httpx.codes.SERVICE_UNAVAILABLE, "ready without a db")
            await away
            load.cancel()
        ready_again = max(stage.breaker.recoveries)
        stage.expect(ready_again <= 5, f"ready only after {ready_again:.1f} s")
        return await stage.verdict("R17", ready_after_restart=f"{ready_again:.1f} s at most")


async def terminated_while_granting(seed: int, orders: int = 100) -> Verdict:
    """R18: the session is ended inside the transaction that grants, about once for each order."""
    async with on_stage(seed) as stage:
        await _run(stage, *_SLOW_GRANT)
        await stage.callers.buy_many(orders, per_second=50, patience=1)
        await _until_upstream_has(stage, orders)
        await stage.upstream.press("orders/all/advance", to="BTC_SENT")
        ended, give_up_at = 0, time.monotonic() + 2 * _PATIENCE_SECONDS
        while ended < orders and time.monotonic() < give_up_at:
            ended += await stage.breaker.terminate_backends(_IN_A_GRANT, share=0.5)
            granted = await stage.deployment.query(
                "SELECT count(*) AS n FROM orders WHERE granted_at IS NOT NULL"
            )
            if granted[0].n == orders:
                break
            await asyncio.sleep(_FEW_MS)
        return await stage.verdict("R18", ended_inside_a_grant=str(ended))


async def _run(stage: Stage, *statements: str) -> None:
    async with stage.deployment.database.sessions() as session, session.begin():
        for statement in statements:
            await session.execute(text(statement))


async def _until_upstream_has(stage: Stage, orders: int) -> None:
    """Wait until the sandbox knows so many orders, and all await payment."""
    async with asyncio.timeout(_PATIENCE_SECONDS + orders):
        while True:
            found = await stage.upstream.orders()
            if len(found) >= orders and all(o["state"] != "TO_BE_CREATED" for o in found):
                return
            await asyncio.sleep(0.1)


async def _show(stage: Stage, uuid: str) -> dict[str, Any]:
    base = stage.upstream.base_url.partition("/api/")[0]
    answer = await stage.deployment.http.get(f"{base}/control/orders/{uuid}")
    shown: dict[str, Any] = answer.json()["order"]
    return shown


async def _polls(stage: Stage, uuid: str) -> int:
    return int((await _show(stage, uuid))["polls"])


async def _until_polled(stage: Stage, uuid: str, before: int) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(_PATIENCE_SECONDS):
            while await _polls(stage, uuid) == before:
                await asyncio.sleep(_FEW_MS)
