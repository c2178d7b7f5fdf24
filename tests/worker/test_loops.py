"""The loops: they rest, they stop, they survive what goes wrong, and they say that they live."""

import asyncio
import time
from dataclasses import replace
from datetime import timedelta
from typing import Any

import asyncpg
import pytest
from structlog.testing import capture_logs

from app.accounts import users
from app.assessments import claims
from app.assessments.providers.base import ProviderUnknown
from app.lists.lookup import Lists
from app.lists.rules.listings import RequiredLists
from app.partners.aeonto.client import AeontoClient
from app.partners.aeonto.report import Report
from app.runtime.db.engine import Database
from app.runtime.db.failures import Unavailable
from app.runtime.loops import loops
from app.runtime.loops.heartbeats import SILENT_AFTER, Heartbeats
from app.runtime.loops.loops import Loop, running
from app.runtime.loops.outages import Outage
from app.runtime.observability.metrics import Metrics
from app.runtime.rate_limit.rules import CALL_DEADLINE_SECONDS, LEAVE_WITHIN_SECONDS
from app.worker import housekeeping
from app.worker.run import worker_running
from tests.assessments.test_service import create
from tests.orders.test_addresses import BITCOIN, arrives, ordered
from tests.support.assessments import finish_due
from tests.support.clock import HandClock
from tests.support.deadlines import hold_grace
from tests.support.lists import import_rows, listed
from tests.support.orders import count
from tests.support.people import PASSWORD, make_user
from tests.worker.conftest import WorkerHarness


@pytest.fixture
def clock() -> HandClock:
    """Time that stands still until a test moves it."""
    return HandClock()


@pytest.fixture
def metrics() -> Metrics:
    """What the heartbeats are counted in."""
    return Metrics()


@pytest.fixture
def heartbeats(clock: HandClock, metrics: Metrics) -> Heartbeats:
    """Heartbeats under that clock."""
    return Heartbeats(clock, metrics)


def restarts(metrics: Metrics, loop: str) -> float:
    """How often a loop was started again."""
    found = metrics.registry.get_sample_value("assay_loop_restarts_total", {"loop": loop})
    return found or 0.0


class Ticks:
    """A tick that plays what it is given, then finds nothing to do."""

    def __init__(self, *outcomes: bool | BaseException) -> None:
        self._outcomes = list(outcomes)
        self.made = 0
        self.idle = asyncio.Event()

    async def __call__(self) -> bool:
        self.made += 1
        if not self._outcomes:
            self.idle.set()
            return False
        outcome = self._outcomes.pop(0)
        if isinstance(outcome, BaseException):
            raise outcome
        return outcome


def task_of(loop: str) -> asyncio.Task[None]:
    """The task in which a loop runs now."""
    [task] = [task for task in asyncio.all_tasks() if task.get_name() == f"loop {loop}"]
    return task


async def test_loop_goes_on_at_once_while_there_is_work_and_rests_when_there_is_none(
    heartbeats: Heartbeats,
) -> None:
    ticks = Ticks(True, True, True)
    async with running([Loop("work", ticks, rest_seconds=60)], heartbeats):
        await asyncio.wait_for(ticks.idle.wait(), 60)
        await asyncio.sleep(0.01)
    assert ticks.made == 4


async def test_loop_rests_for_its_time_and_looks_again(heartbeats: Heartbeats) -> None:
    ticks = Ticks(False, False)
    started = time.monotonic()
    async with running([Loop("work", ticks, rest_seconds=0.02)], heartbeats):
        await asyncio.wait_for(ticks.idle.wait(), 60)
    assert time.monotonic() - started >= 0.04


async def test_loop_that_rests_stops_in_the_middle_of_it(heartbeats: Heartbeats) -> None:
    ticks = Ticks()
    stopping = asyncio.Event()
    loop = asyncio.create_task(Loop("work", ticks, 3600).run(heartbeats, stopping))
    await asyncio.wait_for(ticks.idle.wait(), 60)
    stopping.set()
    await asyncio.wait_for(loop, 60)
    assert ticks.made == 1


async def test_tick_that_raises_is_logged_and_made_again(
    heartbeats: Heartbeats, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.runtime.loops.loops.AFTER_FAULT_SECONDS", 0.01)
    ticks = Ticks(RuntimeError("a bug"), ConnectionRefusedError(), True)
    with capture_logs() as logs:
        async with running([Loop("work", ticks, rest_seconds=60)], heartbeats):
            await asyncio.wait_for(ticks.idle.wait(), 60)
    assert [(line["event"], line["log_level"]) for line in logs] == [
        ("tick_failed", "error"),
        ("database_away", "warning"),
        ("database_serves_again", "info"),
    ]
    assert all(line["loop"] == "work" for line in logs)
    assert logs[1]["reason"] == "ConnectionRefusedError"
    assert ticks.made == 4


async def test_outage_tells_each_reason_once_and_rests_ever_longer() -> None:
    outage = Outage("work")
    away, full = ConnectionRefusedError(), asyncpg.DiskFullError("no space left")
    with capture_logs() as logs:
        pauses = [outage.go_on(Unavailable.AWAY, away, 1.0) for _ in range(5)]
        pauses += [outage.go_on(Unavailable.READ_ONLY, full, 1.0) for _ in range(2)]
        outage.end()
        outage.end()
        pauses.append(outage.go_on(Unavailable.AWAY, away, 1.0))
    assert pauses == [1.0, 2.0, 4.0, 4.0, 4.0, 4.0, 4.0, 1.0]
    assert [line["event"] for line in logs] == [
        "database_away",
        "database_read_only",
        "database_serves_again",
        "database_away",
    ]


async def test_loop_that_fails_rests_before_it_tries_again(
    heartbeats: Heartbeats, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.runtime.loops.loops.AFTER_FAULT_SECONDS", 3600.0)
    ticks = Ticks(*(RuntimeError() for _ in range(99)))
    with capture_logs() as logs:
        async with running([Loop("work", ticks, rest_seconds=0)], heartbeats):
            await asyncio.sleep(0.03)
    assert (ticks.made, len(logs)) == (1, 1)


async def test_tick_in_flight_is_let_finish(heartbeats: Heartbeats) -> None:
    begun, finished = asyncio.Event(), asyncio.Event()

    async def slow() -> bool:
        begun.set()
        await asyncio.sleep(0.02)
        finished.set()
        return False

    async with running([Loop("slow", slow, rest_seconds=60)], heartbeats):
        await begun.wait()
    assert finished.is_set()


async def test_tick_that_never_ends_is_cut_off_after_the_grace(
    heartbeats: Heartbeats, monkeypatch: pytest.MonkeyPatch
) -> None:
    grace = hold_grace(monkeypatch, loops, patience_seconds=0.01)
    begun = asyncio.Event()

    async def stuck() -> bool:
        begun.set()
        await asyncio.Event().wait()
        return False

    async with running([Loop("stuck", stuck, rest_seconds=60)], heartbeats):
        await begun.wait()
    assert (grace.seconds, grace.cut_off) == ([loops.GRACE_SECONDS], 1)


async def test_loops_stop_when_the_body_fails(heartbeats: Heartbeats) -> None:
    ticks = Ticks()
    with pytest.raises(LookupError):
        async with running([Loop("work", ticks, rest_seconds=60)], heartbeats):
            raise LookupError
    made = ticks.made
    await asyncio.sleep(0.01)
    assert ticks.made == made


# The supervisor


@pytest.fixture
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """A loop that died is started again almost at once."""
    monkeypatch.setattr("app.runtime.loops.loops._BEFORE_RESTART_SECONDS", 0.01)


async def test_loop_whose_task_is_killed_comes_back(
    heartbeats: Heartbeats, metrics: Metrics, soon: None
) -> None:
    ticks = Ticks()
    with capture_logs() as logs:
        async with running([Loop("work", ticks, rest_seconds=60)], heartbeats):
            await asyncio.wait_for(ticks.idle.wait(), 60)
            ticks.idle.clear()
            task_of("work").cancel()
            await asyncio.wait_for(ticks.idle.wait(), 60)
    assert ticks.made == 2
    assert restarts(metrics, "work") == 1
    assert [(line["event"], line["loop"], line["log_level"]) for line in logs] == [
        ("loop_died", "work", "error")
    ]


async def test_cancellation_inside_a_tick_that_nobody_asked_for_is_a_death(
    heartbeats: Heartbeats, metrics: Metrics, soon: None
) -> None:
    ticks = Ticks(asyncio.CancelledError(), True)
    with capture_logs():
        async with running([Loop("work", ticks, rest_seconds=60)], heartbeats):
            await asyncio.wait_for(ticks.idle.wait(), 60)
    assert ticks.made == 3
    assert restarts(metrics, "work") == 1


async def test_tick_that_is_stuck_is_cut_off_and_its_loop_started_again(
    heartbeats: Heartbeats, metrics: Metrics, soon: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.runtime.loops.loops.STUCK_AFTER_SECONDS", 0.02)
    made, cut_off, idle = 0, asyncio.Event(), asyncio.Event()

    async def stuck_at_first() -> bool:
        nonlocal made
        made += 1
        if made > 1:
            idle.set()
            return False
        try:
            await asyncio.Event().wait()
        finally:
            cut_off.set()
        return False

    with capture_logs() as logs:
        async with running([Loop("stuck", stuck_at_first, rest_seconds=60)], heartbeats):
            await asyncio.wait_for(idle.wait(), 60)
    assert cut_off.is_set()
    assert restarts(metrics, "stuck") == 1
    assert [line["event"] for line in logs] == ["loop_died"]


def test_stuck_tick_is_noticed_before_its_loop_counts_as_silent() -> None:
    partner_and_database = CALL_DEADLINE_SECONDS + LEAVE_WITHIN_SECONDS + 5 * 5
    assert partner_and_database < loops.STUCK_AFTER_SECONDS < SILENT_AFTER.total_seconds()


async def test_loop_that_keeps_dying_falls_silent(
    clock: HandClock, heartbeats: Heartbeats, metrics: Metrics, soon: None
) -> None:
    ticks = Ticks(*(asyncio.CancelledError() for _ in range(99)))
    with capture_logs():
        async with running([Loop("work", ticks, rest_seconds=0)], heartbeats):
            await asyncio.sleep(0.03)
            assert heartbeats.silent() == []
            clock.advance(61)
            made = ticks.made
            async with asyncio.timeout(60):
                while ticks.made < made + 2:
                    await asyncio.sleep(0.01)
            assert heartbeats.silent() == ["work"]
    assert restarts(metrics, "work") >= 3


async def test_loop_that_died_rests_before_it_is_started_again(
    heartbeats: Heartbeats, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.runtime.loops.loops._BEFORE_RESTART_SECONDS", 3600.0)
    ticks = Ticks(*(asyncio.CancelledError() for _ in range(99)))
    with capture_logs():
        async with running([Loop("work", ticks, rest_seconds=0)], heartbeats):
            await asyncio.sleep(0.03)
    assert ticks.made == 1


async def test_death_of_one_loop_leaves_the_others_alone(
    heartbeats: Heartbeats, metrics: Metrics, soon: None
) -> None:
    dying, other = Ticks(asyncio.CancelledError()), Ticks()
    loops_of_both = [Loop("dying", dying, 60), Loop("other", other, 60)]
    with capture_logs():
        async with running(loops_of_both, heartbeats):
            await asyncio.wait_for(other.idle.wait(), 60)
            survivor = task_of("other")
            await asyncio.wait_for(dying.idle.wait(), 60)
            assert task_of("other") is survivor
    assert restarts(metrics, "other") == 0


def test_loop_is_silent_after_sixty_seconds_without_a_round(
    clock: HandClock, heartbeats: Heartbeats
) -> None:
    heartbeats.beat("looks")
    heartbeats.beat("creations")
    clock.advance(60)
    assert heartbeats.silent() == []
    heartbeats.beat("looks")
    clock.advance(0.001)
    assert heartbeats.silent() == ["creations"]
    clock.advance(60)
    assert heartbeats.silent() == ["creations", "looks"]
    heartbeats.beat("looks")
    assert heartbeats.silent() == ["creations"]


def test_heartbeat_is_a_metric(clock: HandClock) -> None:
    metrics = Metrics()
    Heartbeats(clock, metrics).beat("looks")
    beat = metrics.registry.get_sample_value(
        "assay_loop_heartbeat_timestamp_seconds", {"loop": "looks"}
    )
    assert beat == clock.now().timestamp()


# The real loops


async def test_all_loops_carry_an_order_to_its_grant_and_stop_within_the_grace(
    harness: WorkerHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    await harness.upstream.press("auto", step_seconds=0)
    grace = hold_grace(monkeypatch, loops)
    async with worker_running(harness.resources) as heartbeats:
        order_id = await harness.place()
        for _ in range(400):
            if (await harness.read(order_id)).status == "BTC_SENT":
                break
            await asyncio.sleep(0.02)
            harness.clock.leap(0.5)
        assert heartbeats.silent() == []
    assert (grace.seconds, grace.cut_off) == ([loops.GRACE_SECONDS], 0)
    assert await harness.balance() == 10
    assert await count(harness.database, "aeonto_parameters") == 1


async def test_every_loop_that_is_killed_comes_back_and_the_order_is_carried_on(
    harness: WorkerHarness, soon: None
) -> None:
    await harness.upstream.press("auto", step_seconds=0)
    async with worker_running(harness.resources) as heartbeats:
        with capture_logs():
            await asyncio.sleep(0.01)
            names = [
                task.get_name().removeprefix("loop ")
                for task in asyncio.all_tasks()
                if task.get_name().startswith("loop ")
            ]
            assert len(names) >= 5
            for name in names:
                task_of(name).cancel()
            order_id = await harness.place()
            for _ in range(400):
                if (await harness.read(order_id)).status == "BTC_SENT":
                    break
                await asyncio.sleep(0.02)
                harness.clock.leap(0.5)
        assert heartbeats.silent() == []
    assert await harness.balance() == 10
    for name in names:
        assert harness.metric("assay_loop_restarts_total", loop=name) == 1


async def test_expired_sessions_are_swept(harness: WorkerHarness) -> None:
    assert harness.buyer.email is not None
    await users.login(
        harness.database, email=harness.buyer.email, password=PASSWORD, now=harness.clock.now()
    )
    sweep = housekeeping.loops(harness.resources)[1].tick
    assert not await sweep()
    assert await count(harness.database, "sessions") == 1
    harness.clock.leap(users.SESSION_LIFETIME.total_seconds())
    assert not await sweep()
    assert await count(harness.database, "sessions") == 0


async def test_gap_of_unpaid_addresses_rings_before_it_is_as_long_as_the_wallet_looks(
    harness: WorkerHarness,
) -> None:
    await housekeeping.loops(harness.resources)[-1].tick()
    assert harness.metric("assay_bitcoin_gap_limit") == 0, "there is no wallet"
    selling = replace(harness.resources, terms=BITCOIN)
    count_gap, gauges = housekeeping.loops(selling)[-1].tick, housekeeping.shared_gauges(selling)
    assert harness.metric("assay_bitcoin_gap_limit") == 20
    rings = []
    with capture_logs() as logs:
        for gap in range(1, 23):
            last, _ = await ordered(harness.database, harness.clock, harness.buyer)
            await count_gap()
            await gauges.count()
            assert harness.metric("assay_bitcoin_address_gap") == gap
            rings.append(harness.metric("assay_alarms_total", kind="bitcoin_address_gap"))
        await arrives(harness.database, harness.clock, last, gone=False)
        for _ in range(16):
            await count_gap()
            await ordered(harness.database, harness.clock, harness.buyer)
    assert rings == [0] * 14 + [1] * 6 + [2] * 2
    alarms = [log for log in logs if log["event"] == "alarm"]
    assert [(log["alarm"], log["gap"], log["gap_limit"]) for log in alarms] == [
        ("bitcoin_address_gap", gap, 20) for gap in (15, 21, 15)
    ]


async def test_what_waits_is_counted_by_state_and_age(harness: WorkerHarness) -> None:
    count_what_waits = housekeeping.loops(harness.resources)[-1].tick
    assert not await count_what_waits()
    assert harness.metric("assay_oldest_due_order_seconds") == 0
    await harness.placed_unpaid()
    await harness.place()
    harness.provider.raises = ProviderUnknown()
    spender = await make_user(harness.database, harness.clock.now(), credits_given=1)
    await create(harness.database, harness.provider, harness.clock, spender)
    harness.clock.leap(40)
    assert not await count_what_waits()
    assert harness.metric("assay_orders", rail="aeonto", state="UNPAID") == 1
    assert harness.metric("assay_orders", rail="aeonto", state="TO_BE_CREATED") == 1
    assert harness.metric("assay_orders", rail="aeonto", state="PAID") == 0
    assert 40 <= harness.metric("assay_oldest_due_order_seconds") < 60
    assert 40 <= harness.metric("assay_oldest_pending_assessment_seconds") < 60
    harness.provider.raises = None
    assert await finish_due(harness.database, harness.resources.ensemble, harness.clock)
    await harness.work()
    assert not await count_what_waits()
    assert harness.metric("assay_oldest_due_order_seconds") < 1
    assert harness.metric("assay_oldest_pending_assessment_seconds") == 0


async def test_age_of_each_list_is_counted_from_its_own_date(harness: WorkerHarness) -> None:
    count_what_waits = housekeeping.loops(harness.resources)[-1].tick
    now = harness.clock.now()
    for days in (9, 3):
        day = now.date() - timedelta(days=days)
        await import_rows(harness.database, [listed(f"{days}")], issued=day, now=now)
    assert not await count_what_waits()
    age = harness.metric("assay_list_age_seconds", source="a list")
    assert 3 * 86_400 <= age < 4 * 86_400 + 60


async def test_what_is_wrong_with_a_required_list_is_a_metric_until_it_is_right(
    harness: WorkerHarness,
) -> None:
    required = RequiredLists(names=("OFAC SDN", "EU"), max_age=timedelta(days=30))

    async def faults() -> dict[str, list[str]]:
        held = Lists(harness.database, harness.clock, required)  # it looks at once
        await housekeeping.loops(replace(harness.resources, lists=held))[-1].tick()
        name = "assay_required_list_fault"
        return {
            source: [
                fault
                for fault in ("missing", "old", "future")
                if harness.metric(name, source=source, fault=fault)
            ]
            for source in required.names
        }

    async def publish(days: int) -> None:
        now = harness.clock.now()
        await import_rows(
            harness.database,
            [listed(f"{days}")],
            issued=now.date() + timedelta(days=days),
            source="OFAC SDN",
            now=now + timedelta(days=max(days, 0)),  # by the clock of whoever imports it
            confirm_churn=True,
        )

    assert await faults() == {"OFAC SDN": ["missing"], "EU": ["missing"]}
    await publish(-31)
    assert await faults() == {"OFAC SDN": ["old"], "EU": ["missing"]}
    await publish(0)
    assert await faults() == {"OFAC SDN": [], "EU": ["missing"]}
    await publish(3)
    assert await faults() == {"OFAC SDN": ["future"], "EU": ["missing"]}


async def test_new_version_of_a_list_is_looked_through_by_its_loop(harness: WorkerHarness) -> None:
    look_again = housekeeping.loops(harness.resources)[2].tick
    assert not await look_again()
    await import_rows(harness.database, [listed("x")], now=harness.clock.now())
    harness.clock.leap(60)
    assert await look_again()
    assert await count(harness.database, "list_reviews", "finished_at IS NOT NULL") == 1
    assert not await look_again()


async def test_waits_for_slots_and_the_last_look_are_metrics(harness: WorkerHarness) -> None:
    await harness.place()
    await harness.work()
    assert harness.metric("assay_slot_wait_seconds_count", bucket="order_create") == 1
    assert harness.metric("assay_last_look_timestamp_seconds") == 0
    began = time.time()
    await harness.upstream.fault("html", endpoint="order_status_query")
    await harness.work(after_seconds=5)
    assert harness.metric("assay_last_look_timestamp_seconds") == 0
    await harness.work(after_seconds=5)
    assert harness.metric("assay_last_look_timestamp_seconds") >= began


async def test_no_transaction_is_open_while_a_partner_is_asked(
    committed_database: Database, harness: WorkerHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither AEON.to nor the risk provider is asked while a connection is lent."""
    lent: list[int] = []
    pool = committed_database.engine.pool
    create_order = AeontoClient.order_create

    class Watching(type(harness.provider)):  # type: ignore[misc]
        async def assess(self, question: object) -> object:
            lent.append(pool.checkedout())  # type: ignore[attr-defined]
            return await super().assess(question)

    async def watched(*args: Any, **named: Any) -> Report:  # noqa: ANN401  passed on
        lent.append(pool.checkedout())  # type: ignore[attr-defined]
        report = await create_order(*args, **named)
        lent.append(pool.checkedout())  # type: ignore[attr-defined]
        return report

    monkeypatch.setattr(AeontoClient, "order_create", watched)

    spender = await make_user(committed_database, harness.clock.now(), credits_given=1)
    await create(committed_database, Watching(), harness.clock, spender)
    await harness.place()
    await harness.reconciler.create_next()
    await harness.reconciler.drain()
    assert lent == [0, 0, 0]


def test_lease_of_an_assessment_outlives_its_question() -> None:
    assert timedelta(seconds=claims.PROVIDER_DEADLINE_SECONDS) < claims.LEASE
