"""Scenarios in which AEON.to contradicts itself, refuses, or vanishes: R10, R14, R15, R16."""

import asyncio
import time
from typing import Final

from tests.chaos.callers import Callers, percentile
from tests.chaos.deployment import SCALED, STRICT
from tests.chaos.stage import Stage, on_stage
from tests.chaos.verdict import Verdict, settled

STATUS: Final = "order_status_query"
_NOTICED: Final = 1.2
_SIX: Final = (
    "new_order",
    "check_order_status",
    "check_access_code_status",
    "create_new_assessment_for_access_code",
    "check_assessment_list_for_access_code",
    "check_self_status",
)


async def flapping(seed: int, times: int = 20) -> Verdict:
    """R10: upstream says BTC_SENT, then UNPAID, then PAID, again and again."""
    async with on_stage(seed) as stage:
        order_id = await stage.callers.buy_surely()
        await settled(stage.deployment, 30)
        uuid = (await stage.upstream.orders())[0]["uuid"]
        for turn in range(times):
            for state in ("BTC_SENT", "UNPAID", "PAID"):
                await stage.upstream.press("orders/all/advance", to=state)
                await asyncio.sleep(0.1)
            if turn == 0:  # long enough to be looked at, once
                await stage.upstream.press("orders/all/advance", to="BTC_SENT")
                await settled(stage.deployment, 30)
        stage.expect(await stage.callers.status_of(order_id) == "BTC_SENT", "it moved back")
        return await stage.verdict("R10", ever_sent=frozenset({uuid}))


async def refusals(seed: int, times: int = 40) -> Verdict:
    """R14: 012 again and again, then another 403; orders come in all the while."""
    async with on_stage(seed) as stage:
        await stage.callers.buy_many(5, per_second=10, patience=1)
        await settled(stage.deployment, 30)
        before, began = await stage.upstream.requests(STATUS), time.monotonic()
        await stage.upstream.fault("403", endpoint=STATUS, times=times)
        await stage.callers.buy_many(5, per_second=10, patience=1)
        while sum((await stage.upstream.stats())["faults"].values()) < times:
            await asyncio.sleep(0.1)
        probes, took = await stage.upstream.requests(STATUS) - before, time.monotonic() - began
        # The first ones may all have been in flight when the first was refused.
        stage.expect(probes <= took / 2 + 20, f"{probes} requests in {took:.0f} s")
        await stage.upstream.fault("403", endpoint=STATUS, code="002", times=5)
        placed = len(stage.callers.promised)
        stage.expect(placed == 10, f"only {placed} of 10 orders were taken")
        await stage.upstream.press("auto", enabled=True, step_seconds=0.5)
        return await stage.verdict("R14", refused=f"{times} times in {took:.0f} s")


async def no_new_orders(seed: int, seconds: float = 60) -> Verdict:
    """R15: upstream takes no orders for a while."""
    async with on_stage(seed) as stage:
        await stage.upstream.fault("503", endpoint="order_create", code="008", times=-1)
        await stage.upstream.press("auto", enabled=True, step_seconds=0.5)
        await stage.callers.buy_many(10, per_second=1, patience=1)
        await asyncio.sleep(seconds - 10)
        waiting = await stage.deployment.query(
            "SELECT count(*) AS n FROM orders WHERE status = 'TO_BE_CREATED'"
        )
        stage.expect(waiting[0].n == 10, f"{waiting[0].n} of 10 orders wait")
        await stage.upstream.no_faults()
        began = time.monotonic()
        while not await stage.upstream.orders() and time.monotonic() < began + 60:
            await asyncio.sleep(0.1)
        resumed = time.monotonic() - began
        stage.expect(resumed <= 30, f"creations resumed only after {resumed:.0f} s")
        return await stage.verdict("R15", resumed_after=f"{resumed:.1f} s")


async def black_hole(seed: int, seconds: float = 20) -> Verdict:
    """R16: nothing comes back from upstream, at its documented limits, and no caller notices."""
    async with on_stage(seed, scale=STRICT, credits_given=10_000) as stage:
        await asyncio.sleep(2)
        before = await _latencies(stage, seconds)
        await stage.breaker.black_hole()
        await asyncio.sleep(2)
        meanwhile = await _latencies(stage, seconds)
        for name in _SIX:
            noticed = meanwhile[name] > _NOTICED * before[name]
            stage.expect(not noticed, f"the p99 of {name} rose by more than a fifth")
        await stage.breaker.make_peace()
        await stage.deployment.rescale(SCALED)
        await stage.upstream.press("auto", enabled=True, step_seconds=0.5)
        measured = {
            name: f"p99 {before[name] * 1000:.0f} ms before, {meanwhile[name] * 1000:.0f} ms during"
            for name in _SIX
        }
        return await stage.verdict("R16", settle_seconds=300, **measured)


async def _latencies(stage: Stage, seconds: float) -> dict[str, float]:
    """Ask all of the endpoints ten times a second; return the p99 of each in seconds."""
    callers = stage.callers
    first = len(callers.calls)
    stop_at = time.monotonic() + seconds
    async with asyncio.TaskGroup() as group:
        while time.monotonic() < stop_at:
            group.create_task(_ask_all(callers))
            await asyncio.sleep(0.1)
    made = callers.calls[first:]
    return {
        name: percentile([call.seconds for call in made if call.endpoint == name], 0.99)
        for name in _SIX
    }


async def _ask_all(callers: Callers) -> None:
    code = callers.code.access_code
    purchase = await callers.buy()
    for order_id in purchase.order_ids:
        await callers.status_of(order_id)
    await callers.call("check_access_code_status", {"access_code": code})
    await callers.call("check_self_status", None)
    spent = await callers.assess()
    if spent.body:
        asked = {"access_code": code, "assessment_id_list": [spent.body["assessment_id"]]}
        await callers.call("check_assessment_list_for_access_code", asked)
