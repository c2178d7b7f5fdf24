"""The shared pace on a real PostgreSQL: several processes' worth of senders, one budget."""

import asyncio
import time
from collections.abc import AsyncIterator
from decimal import Decimal
from random import Random

import pytest
from sqlalchemy import text
from typing_extensions import override

from app.runtime.clock import SystemClock
from app.runtime.db.engine import Database, create_database
from app.runtime.rate_limit.postgres import PostgresRateLimiter
from app.runtime.rate_limit.rules import LEAVE_WITHIN_SECONDS, Bucket, Limit

LOOKS = Bucket.ORDER_STATUS
LIMIT = Limit(3, 0.2)
# Of the limit's windows, six.
ARRIVALS = 18

SHIFT = """
    UPDATE upstream_limits
    SET paused_until = paused_until - make_interval(secs => CAST(:seconds AS float8)),
        slots = (
            SELECT coalesce(jsonb_agg(slot || jsonb_build_object(
                'granted_at', (slot ->> 'granted_at')::float8 - CAST(:seconds AS float8),
                'answered_at', (slot ->> 'answered_at')::float8 - CAST(:seconds AS float8)
            )), '[]')
            FROM jsonb_array_elements(slots) AS slot)"""


def set_limit(monkeypatch: pytest.MonkeyPatch, limit: Limit) -> None:
    """Give every bucket this limit."""
    monkeypatch.setattr("app.runtime.rate_limit.postgres.LIMITS", dict.fromkeys(Bucket, limit))


@pytest.fixture(autouse=True)
def _small_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shrink the windows, so that a test sees many of them."""
    set_limit(monkeypatch, LIMIT)
    monkeypatch.setattr("app.runtime.rate_limit.rules.SHORTEST_PAUSE_SECONDS", 0.2)
    monkeypatch.setattr("app.runtime.rate_limit.rules.ASK_AGAIN_SECONDS", 0.01)


@pytest.fixture
async def replicas(database_url: str) -> AsyncIterator[list[PostgresRateLimiter]]:
    """Two processes' worth of pace: pools of their own, nothing shared but the database."""
    databases = [create_database(database_url, pool_size=4) for _ in range(2)]
    yield [pace_on(database) for database in databases]
    for database in databases:
        await database.dispose()


def pace_on(database: Database) -> PostgresRateLimiter:
    """Return a pace as a process makes it when it starts."""
    return PostgresRateLimiter(database, SystemClock(), Decimal(1))


def paces_with(
    limit: Limit, replicas: list[PostgresRateLimiter], monkeypatch: pytest.MonkeyPatch
) -> tuple[PostgresRateLimiter, PostgresRateLimiter]:
    """Return the pace of two processes that start under another limit."""
    set_limit(monkeypatch, limit)
    here, there = (pace_on(pace._database) for pace in replicas)
    return here, there


async def pass_time(pace: PostgresRateLimiter, seconds: float) -> None:
    """Let all that the database remembers be older by so much."""
    async with pace._database.sessions() as session, session.begin():
        await session.execute(text(SHIFT), {"seconds": seconds})


async def test_two_replicas_never_exceed_a_window_together(
    replicas: list[PostgresRateLimiter],
) -> None:
    chance, arrivals = Random(3), list[float]()  # noqa: S311  a replay

    async def sender(pace: PostgresRateLimiter) -> None:
        while len(arrivals) < ARRIVALS:
            slot = await pace.reserve(LOOKS, within_seconds=0.5)
            if slot is None:
                continue
            await asyncio.sleep(chance.uniform(0, 0.03))
            arrived_at = time.monotonic()
            if arrived_at > slot.leave_by:
                await pace.release(slot)
                continue
            arrivals.append(arrived_at)
            await asyncio.sleep(chance.uniform(0, 0.03))
            await pace.answered(slot)

    async with asyncio.timeout(60):
        await asyncio.gather(*(sender(pace) for pace in replicas for _ in range(3)))
    arrivals.sort()
    for first, beyond in zip(arrivals, arrivals[LIMIT.count :], strict=False):
        assert beyond - first >= LIMIT.window_seconds


async def test_answered_slots_count_after_a_restart(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_limit(monkeypatch, Limit(3, 60))
    for _ in range(3):
        database = create_database(database_url)
        pace = pace_on(database)
        slot = await pace.reserve(LOOKS, within_seconds=0.1)
        assert slot is not None
        await pace.answered(slot)
        await database.dispose()
    restarted = create_database(database_url)
    assert await pace_on(restarted).reserve(LOOKS, within_seconds=0.1) is None
    await restarted.dispose()


async def test_unanswered_slots_of_a_dead_process_hold_the_budget(
    replicas: list[PostgresRateLimiter],
) -> None:
    dead, living = replicas
    for _ in range(3):
        await dead.reserve(LOOKS, within_seconds=1)
    assert await living.reserve(LOOKS, within_seconds=0.05) is None


async def test_released_slot_is_free_for_another_at_once(
    replicas: list[PostgresRateLimiter],
) -> None:
    slots = [await replicas[0].reserve(LOOKS, within_seconds=1) for _ in range(3)]
    assert await replicas[1].reserve(LOOKS, within_seconds=0.02) is None
    assert slots[1] is not None
    await replicas[0].release(slots[1])
    assert await replicas[1].reserve(LOOKS, within_seconds=0.02) is not None


async def test_slot_must_be_used_within_a_second_of_being_asked_for(
    replicas: list[PostgresRateLimiter],
) -> None:
    before = time.monotonic()
    slot = await replicas[0].reserve(LOOKS, within_seconds=1)
    assert slot is not None
    assert before <= slot.leave_by - LEAVE_WITHIN_SECONDS <= time.monotonic()


class LateClock(SystemClock):
    """Every reading is a second later than the one before."""

    def __init__(self) -> None:
        super().__init__()
        self.readings: list[float] = []

    @override
    def monotonic(self) -> float:
        self.readings.append(float(len(self.readings)))
        return self.readings[-1]


async def test_slot_counts_from_before_the_database_was_asked(
    committed_database: Database,
) -> None:
    clock = LateClock()
    slot = await PostgresRateLimiter(committed_database, clock, Decimal(1)).reserve(
        LOOKS, within_seconds=9
    )
    assert slot is not None
    # The readings: when to give up, when asked. One more, after the answer, would be too late.
    assert clock.readings == [0.0, 1.0]
    assert slot.leave_by == 1.0 + LEAVE_WITHIN_SECONDS


async def test_buckets_do_not_share_a_budget(replicas: list[PostgresRateLimiter]) -> None:
    for _ in range(3):
        await replicas[0].reserve(LOOKS, within_seconds=1)
    for bucket in set(Bucket) - {LOOKS}:
        assert await replicas[0].reserve(bucket, within_seconds=0.02) is not None


async def test_throttled_answer_pauses_every_replica_and_then_one_probes(
    replicas: list[PostgresRateLimiter], monkeypatch: pytest.MonkeyPatch
) -> None:
    here, there = paces_with(Limit(3, 60), replicas, monkeypatch)
    slot = await here.reserve(LOOKS, within_seconds=0)
    assert slot is not None
    await here.throttled(slot)
    await pass_time(here, 59)
    assert await there.reserve(LOOKS, within_seconds=0) is None
    await pass_time(here, 2)
    first, second = await asyncio.gather(
        here.reserve(LOOKS, within_seconds=0), there.reserve(LOOKS, within_seconds=0)
    )
    assert (first is None) != (second is None)
    probe = first or second
    assert probe is not None
    await here.answered(probe)
    assert await there.reserve(LOOKS, within_seconds=0) is not None


async def test_probe_that_reached_nobody_is_followed_by_one_probe(
    replicas: list[PostgresRateLimiter], monkeypatch: pytest.MonkeyPatch
) -> None:
    here, there = paces_with(Limit(3, 60), replicas, monkeypatch)
    slot = await here.reserve(LOOKS, within_seconds=0)
    assert slot is not None
    await here.throttled(slot)
    await pass_time(here, 61)
    probe = await there.reserve(LOOKS, within_seconds=0)
    assert probe is not None
    await there.unreachable(probe)
    slots = await asyncio.gather(
        *(pace.reserve(LOOKS, within_seconds=0) for pace in (here, there) for _ in range(2))
    )
    assert len([slot for slot in slots if slot is not None]) == 1


async def test_first_use_by_two_replicas_at_once_makes_one_row(
    replicas: list[PostgresRateLimiter], committed_database: Database
) -> None:
    slots = await asyncio.gather(
        *(pace.reserve(LOOKS, within_seconds=0.1) for pace in replicas for _ in range(2))
    )
    assert len([slot for slot in slots if slot is not None]) == 3
    async with committed_database.reading() as connection:
        rows = await connection.scalar(text("SELECT count(*) FROM upstream_limits"))
    assert rows == 1


@pytest.mark.parametrize(("scale", "free"), [("2", 6), ("0.5", 1)])
async def test_rate_scale_multiplies_the_count(
    committed_database: Database, scale: str, free: int
) -> None:
    pace = PostgresRateLimiter(committed_database, SystemClock(), Decimal(scale))
    slots = [await pace.reserve(LOOKS, within_seconds=0.01) for _ in range(free + 1)]
    assert [slot is not None for slot in slots] == [True] * free + [False]
