"""The pace of one process, under a simulated clock."""

import asyncio
import random
import selectors
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typing_extensions import override

from app.runtime.rate_limit.local import LocalRateLimiter
from app.runtime.rate_limit.rules import (
    CALL_DEADLINE_SECONDS,
    LEAVE_WITHIN_SECONDS,
    LIMITS,
    Bucket,
    Pace,
    Slot,
)
from tests.partners.aeonto.bench import FixedClock


class _Instant(selectors.SelectSelector):
    """Never waits: it moves its loop's clock instead."""

    loop: "SimulatedLoop"

    @override
    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise RuntimeError("nothing will ever wake")
        self.loop.seconds += max(timeout, 0)
        return []


class SimulatedLoop(asyncio.SelectorEventLoop):
    """An event loop in which waiting takes no time."""

    def __init__(self) -> None:
        self.seconds = 0.0
        selector = _Instant()
        selector.loop = self
        super().__init__(selector)

    @override
    def time(self) -> float:
        return self.seconds


class LoopClock:
    """The clock of the running loop."""

    random = random.Random(1)  # noqa: S311  # a test replays

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.monotonic(), UTC)

    def monotonic(self) -> float:
        return asyncio.get_running_loop().time()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


async def _caller(pace: Pace, bucket: Bucket, chance: random.Random, arrivals: list[float]) -> None:
    """Send eight requests: some are lost, some never leave, delays go from 20 to 500 ms."""
    clock = LoopClock()
    for _ in range(8):
        slot = await pace.reserve(bucket, within_seconds=10_000)
        assert slot
        await clock.sleep(chance.uniform(0, LEAVE_WITHIN_SECONDS * 1.1))
        if clock.monotonic() > slot.leave_by:
            await pace.release(slot)
            continue
        if chance.random() < 0.05:
            arrivals.append(clock.monotonic() + chance.uniform(0, CALL_DEADLINE_SECONDS))
            await clock.sleep(CALL_DEADLINE_SECONDS)
            continue
        await clock.sleep(chance.uniform(0.02, 0.5))
        arrivals.append(clock.monotonic())
        await clock.sleep(chance.uniform(0.02, 0.5))
        await (pace.throttled if chance.random() < 0.02 else pace.answered)(slot)


async def _arrivals(bucket: Bucket, seed: int) -> list[float]:
    pace, arrivals = LocalRateLimiter(LoopClock()), list[float]()
    chance = random.Random(seed)  # noqa: S311  # a test replays
    async with asyncio.TaskGroup() as callers:
        for _ in range(5):
            callers.create_task(_caller(pace, bucket, chance, arrivals))
    return sorted(arrivals)


@settings(deadline=None, max_examples=15)
@given(bucket=st.sampled_from(Bucket), seed=st.integers(0, 10**9))
def test_no_window_ever_holds_more_arrivals_than_the_limit(bucket: Bucket, seed: int) -> None:
    with asyncio.Runner(loop_factory=SimulatedLoop) as runner:
        arrivals = runner.run(_arrivals(bucket, seed))
    limit = LIMITS[bucket]
    for first, one_too_many in zip(arrivals, arrivals[limit.count :], strict=False):
        assert one_too_many - first > limit.window_seconds


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock()


@pytest.fixture
def pace(clock: FixedClock) -> LocalRateLimiter:
    return LocalRateLimiter(clock)


async def take(pace: LocalRateLimiter, bucket: Bucket) -> Slot | None:
    """Take a slot that is free at once."""
    return await pace.reserve(bucket, within_seconds=0)


async def taken(pace: LocalRateLimiter, bucket: Bucket) -> Slot:
    slot = await take(pace, bucket)
    assert slot
    return slot


async def test_slots_run_out_and_come_back_a_window_after_the_answer(
    pace: LocalRateLimiter, clock: FixedClock
) -> None:
    slots = [await taken(pace, Bucket.ORDER_CREATE) for _ in range(4)]
    assert await take(pace, Bucket.ORDER_CREATE) is None
    clock.seconds += 5
    await pace.answered(slots[0])
    clock.seconds += 60
    assert await take(pace, Bucket.ORDER_CREATE) is None
    clock.seconds += 0.1
    assert await take(pace, Bucket.ORDER_CREATE)
    assert await take(pace, Bucket.ORDER_CREATE) is None


async def test_unanswered_slot_counts_until_its_deadline(
    pace: LocalRateLimiter, clock: FixedClock
) -> None:
    slot = await taken(pace, Bucket.ORDER_PRICE)
    assert slot.leave_by == clock.monotonic() + LEAVE_WITHIN_SECONDS
    clock.seconds += LEAVE_WITHIN_SECONDS + CALL_DEADLINE_SECONDS
    assert await pace.reserve(Bucket.ORDER_PRICE, within_seconds=2.9) is None
    assert await pace.reserve(Bucket.ORDER_PRICE, within_seconds=3.1)


async def test_released_slot_is_free_at_once(pace: LocalRateLimiter) -> None:
    await pace.release(await taken(pace, Bucket.ORDER_PRICE))
    assert await take(pace, Bucket.ORDER_PRICE)


async def test_buckets_do_not_share(pace: LocalRateLimiter) -> None:
    for bucket in Bucket:
        assert await take(pace, bucket)


async def test_throttled_bucket_pauses_then_lets_one_probe_go(
    pace: LocalRateLimiter, clock: FixedClock
) -> None:
    first = await taken(pace, Bucket.ORDER_STATUS)
    await pace.throttled(first)
    clock.seconds += 1.9
    assert await take(pace, Bucket.ORDER_STATUS) is None
    clock.seconds += 0.2
    probe = await taken(pace, Bucket.ORDER_STATUS)
    assert await take(pace, Bucket.ORDER_STATUS) is None
    await pace.release(probe)
    probe = await taken(pace, Bucket.ORDER_STATUS)
    await pace.answered(probe)
    assert await take(pace, Bucket.ORDER_STATUS)
    assert await take(pace, Bucket.ORDER_STATUS)


async def test_probe_that_reached_nobody_ends_no_probing(
    pace: LocalRateLimiter, clock: FixedClock
) -> None:
    await pace.throttled(await taken(pace, Bucket.ORDER_STATUS))
    clock.seconds += 2.1
    await pace.unreachable(await taken(pace, Bucket.ORDER_STATUS))
    assert await take(pace, Bucket.ORDER_STATUS)
    assert await take(pace, Bucket.ORDER_STATUS) is None


async def test_lost_probe_is_followed_by_another(pace: LocalRateLimiter, clock: FixedClock) -> None:
    await pace.throttled(await taken(pace, Bucket.ORDER_STATUS))
    clock.seconds += 2.1
    await taken(pace, Bucket.ORDER_STATUS)
    assert await take(pace, Bucket.ORDER_STATUS) is None
    clock.seconds += LEAVE_WITHIN_SECONDS + CALL_DEADLINE_SECONDS + 1.1
    assert await take(pace, Bucket.ORDER_STATUS)


@pytest.mark.parametrize(("scale", "count"), [("1", 3), ("10", 30), ("0.5", 1), ("0.01", 1)])
async def test_scale_multiplies_the_count(clock: FixedClock, scale: str, count: int) -> None:
    pace = LocalRateLimiter(clock, rate_scale=Decimal(scale))
    for _ in range(count):
        assert await take(pace, Bucket.ORDER_STATUS)
    assert await take(pace, Bucket.ORDER_STATUS) is None
