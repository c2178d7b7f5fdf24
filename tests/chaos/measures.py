"""Measurements against real processes.

G2 is the budget of requests, G8 how soon a change shows, G13 what guessing costs the neighbours.
"""

import asyncio
import statistics
import time
from collections import Counter
from contextlib import suppress
from datetime import datetime
from typing import Final

from tests.chaos.callers import percentile
from tests.chaos.deployment import SCALED, STRICT
from tests.chaos.pacing import sending
from tests.chaos.stage import Stage, on_stage
from tests.chaos.verdict import Verdict, settled
from tests.support.people import Person, make_user

_BUDGET_USE: Final = 0.85
_STEADY_SECONDS: Final = 60.0
_SUFFERING_SECONDS: Final = 140.0
# Looks a second that remain of the 3 of AEON.to API v3 (goal G8).
_LOOKS_PER_SECOND: Final = 2.5
_LOOK_AGAIN_SECONDS: Final = 0.25
_PATIENCE_SECONDS: Final = 120.0
_TURNS: Final = 4
_TURN_SECONDS: Final = 12.0
_NEIGHBOURS_A_SECOND: Final = 50
_GUESSES_A_SECOND: Final = 4.2  # 200 in all
_WINDOW_QUOTA: Final = 20
_NOTICED: Final = 1.1


async def pace(seed: int) -> Verdict:
    """G2: 1, 3 and 8 processes, the documented limits, ten minutes in all."""
    faults, measured, wrong, over_limit, longest = [], {}, [], 0, 0.0
    for count in (1, 3, 8):
        async with sending(count, seed) as senders:
            use = await senders.budget_use(_STEADY_SECONDS)
            faults.append(await senders.suffer(_SUFFERING_SECONDS, longest_stop_seconds=16))
            began = time.monotonic()
            await senders.until_asking()
            longest = max(longest, time.monotonic() - began)
            over_limit += await senders.over_limit()
            arrived = await senders.requests()
        measured[f"with_{count}"] = f"{use:.1%} of the budget used; {arrived} requests in all"
        if use < _BUDGET_USE:
            wrong.append(f"{count} processes used {use:.1%} of the budget")
    return Verdict("G2", "; ".join(faults), 0, [], [], over_limit, longest, wrong, measured)


async def detection(seed: int) -> Verdict:
    """G8: how soon a change shows with 50 and with 200 open orders, at the documented limits."""
    measured: dict[str, str] = {}
    wrong: list[str] = []
    await _detect(seed, 50, measured, wrong)
    verdict = await _detect(seed, 200, measured, wrong)
    verdict.measured, verdict.wrong = measured, wrong + verdict.wrong
    return verdict


async def _detect(seed: int, orders: int, measured: dict[str, str], wrong: list[str]) -> Verdict:
    async with on_stage(seed) as stage:
        await stage.callers.buy_many(orders, per_second=20, patience=1)
        await settled(stage.deployment, _PATIENCE_SECONDS)
        await stage.deployment.rescale(STRICT)
        expected = orders / _LOOKS_PER_SECOND
        await asyncio.sleep(expected)
        watching = asyncio.create_task(_gaps(stage))
        delays = await _change_one_by_one(stage, 4 * expected)
        watching.cancel()
        gaps = [gap for gap in await watching if gap]
        late, longest, median = percentile(delays, 0.95), max(gaps), statistics.median(gaps)
        measured[f"of_{orders}_orders"] = (
            f"{len(delays)} changes seen after {late:.1f} s (p95; allowed {expected + 5:.0f} s); "
            f"looks {median:.1f} s apart (median), {longest:.1f} s at most"
        )
        if late > expected + 5:
            wrong.append(f"with {orders} orders a change was seen after {late:.1f} s (p95)")
        if longest > 3 * median:
            wrong.append(f"with {orders} orders one was not looked at for {longest:.1f} s")
        await stage.deployment.rescale(SCALED)
        return await stage.verdict("G8")


async def _gaps(stage: Stage) -> list[float]:
    """Return the seconds between the looks at each order, from the sandbox, until cancelled."""
    last: dict[str, datetime] = {}
    gaps: list[float] = []
    with suppress(asyncio.CancelledError):
        while True:
            for order in await stage.upstream.orders():
                polled = datetime.fromisoformat(order["last_polled_at"])
                before = last.setdefault(order["uuid"], polled)
                if polled != before:
                    gaps.append((polled - before).total_seconds())
                    last[order["uuid"]] = polled
            await asyncio.sleep(_LOOK_AGAIN_SECONDS)
    return gaps


async def _change_one_by_one(stage: Stage, seconds: float) -> list[float]:
    """Pay one order after the other; return after how many seconds each payment was known.

    It reads what `check_order_status` shows from the database: asking brings an order forward.
    """
    unpaid = [order["uuid"] for order in await stage.upstream.orders()]
    stage.chance.shuffle(unpaid)
    changed: dict[str, float] = {}
    delays: list[float] = []
    pause, began = seconds / len(unpaid), time.monotonic()
    while changed or unpaid:
        now = time.monotonic()
        if unpaid and now >= began + pause:
            began, uuid = began + pause, unpaid.pop()
            await stage.upstream.press(f"orders/{uuid}/pay")
            changed[uuid] = now
        rows = await stage.deployment.query(
            "SELECT uuid FROM payments JOIN orders ON id = order_id WHERE status <> 'UNPAID'"
        )
        delays += [now - changed.pop(row.uuid) for row in rows if row.uuid in changed]
        await asyncio.sleep(_LOOK_AGAIN_SECONDS)
    return delays


async def guessing(seed: int) -> Verdict:
    """G13: one caller guesses codes, an address guesses keys; the neighbours are timed."""
    async with on_stage(seed) as stage:
        guesser = await make_user(stage.deployment.database, stage.callers.now())
        codes: Counter[int] = Counter()
        keys: Counter[int] = Counter()
        alone: list[float] = []
        beside: list[float] = []
        began = time.monotonic()
        for _ in range(_TURNS):
            alone += await _neighbours(stage)
            guesses = [
                asyncio.create_task(_guess(stage, guesser, codes)),
                asyncio.create_task(_guess(stage, None, keys)),
            ]
            beside += await _neighbours(stage)
            for task in guesses:
                task.cancel()
        minutes = int((time.monotonic() - began) / 60) + 1
        before, during = percentile(alone, 0.99), percentile(beside, 0.99)
        most = _WINDOW_QUOTA * minutes
        stage.expect(codes[400] <= most, f"{codes[400]} wrong codes in {minutes} minutes")
        stage.expect(keys[403] <= most, f"{keys[403]} wrong keys in {minutes} minutes")
        stage.expect(set(codes) <= {400, 429} and set(keys) <= {403, 429}, f"{codes}, {keys}")
        stage.expect(during <= _NOTICED * before, "the neighbours' p99 rose by more than a tenth")
        return await stage.verdict(
            "G13",
            wrong_codes=f"{dict(codes)} in {minutes} windows at most",
            wrong_keys=str(dict(keys)),
            neighbours=f"p99 {before * 1000:.1f} ms alone, {during * 1000:.1f} ms beside guessing",
        )


async def _neighbours(stage: Stage) -> list[float]:
    """Ask as an honest caller for one turn; return how long each answer took, in seconds."""
    first = len(stage.callers.calls)
    async with asyncio.TaskGroup() as group:
        for _ in range(int(_TURN_SECONDS * _NEIGHBOURS_A_SECOND)):
            group.create_task(stage.callers.call("check_self_status", None))
            await asyncio.sleep(1 / _NEIGHBOURS_A_SECOND)
    calls = stage.callers.calls[first:]
    stage.expect(all(call.status == 200 for call in calls), "an honest caller was refused")
    return [call.seconds for call in calls]


async def _guess(stage: Stage, guesser: Person | None, statuses: Counter[int]) -> None:
    """Guess codes as `guesser`, or keys as nobody, each time from an invented address."""
    url = f"{stage.deployment.replicas[0].url}/api/check_access_code_status"
    while True:
        guess = "".join(stage.chance.choices("ABCDEFGHabcdefgh01234567", k=16))
        prefix = "".join(stage.chance.choices("abcdefgh01234567", k=10))
        headers = guesser.headers if guesser else {"X-API-KEY": f"assay_{prefix}_{guess}"}
        answer = await stage.deployment.http.post(
            url,
            json={"access_code": guess},
            headers={**headers, "X-Forwarded-For": f"203.0.113.{stage.chance.randrange(256)}"},
        )
        statuses[answer.status_code] += 1
        await asyncio.sleep(1 / _GUESSES_A_SECOND)
