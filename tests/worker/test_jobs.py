"""Jobs wake the worker for assessments; whatever becomes of a job, no assessment is lost or asked twice."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from procrastinate import App, RetryStrategy
from procrastinate.jobs import Job
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from structlog.testing import capture_logs
from typing_extensions import override

from app.assessments import jobs
from app.assessments.claims import LEASE, claim, hand_over, reserve
from app.assessments.providers.base import (
    Answer,
    FailureReason,
    ProviderFailed,
    ProviderUnknown,
    Question,
)
from app.assessments.providers.ensemble import ProviderEnsemble
from app.assessments.worker import jobs as engine
from app.assessments.worker.jobs import Jobs
from app.runtime.db.engine import create_database
from app.runtime.db.failures import is_unavailable
from app.runtime.loops import loops
from app.runtime.loops.heartbeats import Heartbeats
from app.runtime.loops.loops import GRACE_SECONDS, Loop, Supervised, running
from app.worker import housekeeping
from tests.assessments.test_service import SUBJECT, create
from tests.support.application import BTC_DEST_ADDRESS, ScriptedProvider
from tests.support.databases import let_changes, run_alone
from tests.support.deadlines import hold_grace
from tests.support.orders import balance_of, count, end_leases
from tests.support.people import ACTOR, Person, make_user
from tests.support.processes import Process, free_port
from tests.worker.conftest import WorkerHarness

LET_GO = "UPDATE jobs.procrastinate_jobs SET scheduled_at = NULL"

BECOME = """
    UPDATE jobs.procrastinate_jobs SET status = CAST(:status AS jobs.procrastinate_job_status)
    WHERE queueing_lock = :assessment_id"""
GROW_OLD = """
    UPDATE jobs.procrastinate_events SET at = at - CAST(CAST(:age AS text) AS interval)
    WHERE job_id = (SELECT id FROM jobs.procrastinate_jobs WHERE queueing_lock = :assessment_id)"""

# A job that is done for the first time.
JOB: dict[str, Any] = {
    "id": 1,
    "queue": jobs.QUEUE,
    "task_name": jobs.FINISH_ASSESSMENT,
    "lock": None,
    "queueing_lock": None,
    "attempts": 0,
}


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """What comes seconds later comes at once."""
    monkeypatch.setattr("app.assessments.outcomes._PAUSES", (timedelta(milliseconds=50),))
    monkeypatch.setattr("app.assessments.worker.jobs._POLL_SECONDS", 0.02)
    monkeypatch.setattr("app.assessments.worker.jobs.AFTER_FAULT_SECONDS", 0.02)
    monkeypatch.setattr("app.runtime.loops.loops._BEFORE_RESTART_SECONDS", 0.01)


@pytest.fixture
async def spender(stage: WorkerHarness) -> Person:
    """A user with a hundred credits."""
    return await make_user(stage.database, stage.clock.now(), credits_given=100)


@asynccontextmanager
async def carrying(
    stage: WorkerHarness, *others: Loop, workers: int = 1
) -> AsyncIterator[Heartbeats]:
    """Carry jobs beside the body, by as many workers."""
    heartbeats = Heartbeats(stage.clock, stage.resources.metrics)
    bodies: list[Supervised] = [Jobs(stage.resources) for _ in range(workers)]
    async with running([*bodies, *others], heartbeats):
        yield heartbeats


def finding_lost_ones(stage: WorkerHarness) -> Loop:
    """The loop that finds assessments without a job, with shorter rests."""
    return replace(housekeeping.loops(stage.resources)[0], rest_seconds=0.02)


async def until(holds: Callable[[], Awaitable[bool]], within_seconds: float = 60) -> None:
    async with asyncio.timeout(within_seconds):
        while not await holds():
            await asyncio.sleep(0.01)


async def until_all_looked(stage: WorkerHarness, heartbeats: Heartbeats) -> None:
    """Wait until every loop has made a whole round from now on."""
    await asyncio.sleep(0)  # each begins in a task of its own
    for _ in range(2):
        stage.clock.leap(61)
        async with asyncio.timeout(60):
            while heartbeats.silent():
                await asyncio.sleep(0.01)


async def settled(stage: WorkerHarness) -> bool:
    """Say whether no assessment is pending, and no job is left."""
    return not await count(stage.database, "assessments", "status = 'pending'") and not await count(
        stage.database, "jobs.procrastinate_jobs"
    )


async def settled_at_last(stage: WorkerHarness) -> bool:
    """Say whether no assessment is pending, and no job waits, where sessions have ended.

    Our own pool finds that out by a failure. A job that lost its session while another one waited
    for the same assessment cannot wait again; it is left over, and deleted after five minutes.
    """
    try:
        return not await count(
            stage.database, "assessments", "status = 'pending'"
        ) and not await count(stage.database, "jobs.procrastinate_jobs", "status = 'todo'")
    except DBAPIError as fault:
        if is_unavailable(fault):
            return False
        raise


async def pending(stage: WorkerHarness, spender: Person) -> str:
    """Ask for an assessment whose outcome stays unknown; return its id."""
    stage.provider.raises = ProviderUnknown()
    view, _ = await create(stage.database, stage.provider, stage.clock, spender)
    stage.provider.raises = None
    return view.id


async def left_unasked(stage: WorkerHarness, spender: Person, how_many: int) -> list[str]:
    """Reserve questions and leave them to the worker, as a batch does whose time is over."""
    async with stage.database.sessions() as session, session.begin():
        reserved = await reserve(
            session,
            stage.resources.panel,
            stage.clock,
            edition="",
            account_id=spender.account_id,
            subjects=[SUBJECT] * how_many,
            actor=ACTOR,
        )
        await hand_over(session, reserved)
    return [one.question.assessment_id for one in reserved]


async def run(stage: WorkerHarness, statement: str, **values: str) -> None:
    async with stage.database.reading() as connection:
        await connection.execute(text(statement), values)


class Slow(ScriptedProvider):
    """A provider that says when it was asked, and never answers."""

    def __init__(self) -> None:
        super().__init__()
        self.begun = asyncio.Event()

    @override
    async def assess(self, question: Question) -> Answer:
        self.begun.set()
        await asyncio.Event().wait()
        return await super().assess(question)


# Waking


async def test_pending_assessment_is_asked_again_and_then_ready(
    stage: WorkerHarness, spender: Person
) -> None:
    async with carrying(stage):
        await pending(stage, spender)
        await until(lambda: settled(stage))
    assert await count(stage.database, "assessments", "status = 'ready' AND attempts = 2") == 1


async def test_assessment_that_stays_pending_wakes_itself_again(
    stage: WorkerHarness, spender: Person
) -> None:
    await pending(stage, spender)
    stage.provider.raises = ProviderUnknown()
    async with carrying(stage):
        await until(
            lambda: _is(1, count(stage.database, "assessments", "attempts >= 4")),
        )
        stage.provider.raises = None
        await until(lambda: settled(stage))


async def _is(wanted: int, counting: Awaitable[int]) -> bool:
    return await counting == wanted


async def _count_of(logs: Sequence[object]) -> int:
    return len(logs)


async def test_refused_assessment_is_refunded_once_and_counted(
    stage: WorkerHarness, spender: Person
) -> None:
    await pending(stage, spender)
    stage.provider.raises = ProviderFailed(FailureReason.BROKEN)
    async with carrying(stage):
        await until(lambda: settled(stage))
    assert await balance_of(stage.database, spender.account_id) == 100
    assert stage.metric("assay_refunds_total") == 1


async def test_job_is_not_done_before_its_time(stage: WorkerHarness, spender: Person) -> None:
    [assessment_id] = await left_unasked(stage, spender, 1)
    await run(stage, "DELETE FROM jobs.procrastinate_jobs")
    async with stage.database.sessions() as session, session.begin():
        await jobs.wake(session, [assessment_id], timedelta(hours=1))
    async with carrying(stage) as heartbeats:
        await until_all_looked(stage, heartbeats)
    assert stage.provider.asked == []


async def test_job_of_an_assessment_that_is_done_does_nothing(
    stage: WorkerHarness, spender: Person
) -> None:
    view, _ = await create(stage.database, stage.provider, stage.clock, spender)
    asked = len(stage.provider.asked)
    async with stage.database.sessions() as session, session.begin():
        await jobs.wake(session, [view.id])
    async with carrying(stage):
        await until(lambda: settled(stage))
    assert len(stage.provider.asked) == asked


async def test_assessment_that_another_works_on_is_left_to_it(
    stage: WorkerHarness, spender: Person
) -> None:
    assessment_id = await pending(stage, spender)
    stage.clock.leap(1)
    async with stage.database.sessions() as session:
        held = await claim(session, stage.clock.now(), assessment_id)
    assert held is not None
    await run(stage, "DELETE FROM jobs.procrastinate_jobs")
    async with stage.database.sessions() as session:
        assert not await jobs.wake_lost(session, stage.clock.now())
    assert await count(stage.database, "jobs.procrastinate_jobs") == 0
    async with stage.database.sessions() as session, session.begin():
        await jobs.wake(session, [assessment_id])
    async with carrying(stage, finding_lost_ones(stage)):
        await until(lambda: _is(0, count(stage.database, "jobs.procrastinate_jobs")))
    assert len(stage.provider.asked) == 1


async def test_an_assessment_has_one_job_at_most(stage: WorkerHarness, spender: Person) -> None:
    ids = await left_unasked(stage, spender, 3)
    for _ in range(2):
        async with stage.database.sessions() as session, session.begin():
            await jobs.wake(session, ids)
        async with stage.database.sessions() as session:
            assert not await jobs.wake_lost(session, stage.clock.now())
    assert await count(stage.database, "jobs.procrastinate_jobs") == 3


async def test_job_is_there_when_and_only_when_its_transaction_commits(
    stage: WorkerHarness, spender: Person
) -> None:
    [assessment_id] = await left_unasked(stage, spender, 1)
    await run(stage, "DELETE FROM jobs.procrastinate_jobs")
    async with stage.database.sessions() as session:
        await session.begin()
        await jobs.wake(session, [assessment_id])
        await session.rollback()
        assert await count(stage.database, "jobs.procrastinate_jobs") == 0
        await session.begin()
        await jobs.wake(session, [assessment_id])
        assert await count(stage.database, "jobs.procrastinate_jobs") == 0
        await session.commit()
    assert await count(stage.database, "jobs.procrastinate_jobs") == 1


async def test_two_workers_ask_each_of_a_hundred_once(
    stage: WorkerHarness, spender: Person
) -> None:
    ids = await left_unasked(stage, spender, 100)
    async with carrying(stage, finding_lost_ones(stage), workers=2):
        await until(lambda: settled(stage))
    assert Counter(question.assessment_id for question in stage.provider.asked) == Counter(ids)
    assert await count(stage.database, "assessments", "status = 'ready'") == 100


# Losing


async def test_assessment_whose_job_was_lost_is_found(
    stage: WorkerHarness, spender: Person
) -> None:
    await pending(stage, spender)
    await run(stage, "TRUNCATE jobs.procrastinate_jobs CASCADE")
    async with carrying(stage, finding_lost_ones(stage)):
        await until(lambda: settled(stage))
    assert await count(stage.database, "assessments", "status = 'ready'") == 1


async def test_more_lost_ones_than_are_woken_at_once_are_woken(
    stage: WorkerHarness, spender: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.assessments.jobs._AT_A_TIME", 2)
    await left_unasked(stage, spender, 3)
    await run(stage, "DELETE FROM jobs.procrastinate_jobs")
    async with stage.database.sessions() as session:
        assert await jobs.wake_lost(session, stage.clock.now())
        assert not await jobs.wake_lost(session, stage.clock.now())
    assert await count(stage.database, "jobs.procrastinate_jobs", "status = 'todo'") == 3


async def test_assessment_of_a_killed_worker_is_finished_by_another(
    stage: WorkerHarness, spender: Person, tmp_path: Path, database_url: str
) -> None:
    """It was asked, and nobody knows what came of it: another asks when the lease is over."""
    assessment_id = await pending(stage, spender)
    vendor = stage.upstream.base_url.partition("/api/")[0] + "/chainalysis/api/v1/"
    await stage.upstream.fault("timeout", source="chainalysis", endpoint="sanctions", seconds=60)
    killed = Process(
        "worker",
        folder=tmp_path,
        ASSAY_PORT=str(free_port()),
        ASSAY_DATABASE_URL=database_url,
        ASSAY_BTC_DEST_ADDRESS=BTC_DEST_ADDRESS,
        ASSAY_AEONTO_BASE_URL=stage.upstream.base_url,
        ASSAY_RISK_PROVIDER="chainalysis",
        ASSAY_CHAINALYSIS_URL=vendor,
        ASSAY_CHAINALYSIS_API_KEY="a-key-of-the-tests",
    )
    killed.start()
    try:
        await until(
            lambda: _is(1, count(stage.database, "assessments", "lease_token IS NOT NULL")), 60
        )
    finally:
        killed.end()
    assert await count(stage.database, "jobs.procrastinate_jobs", "status = 'doing'") == 1
    async with carrying(stage, finding_lost_ones(stage)) as heartbeats:
        await until_all_looked(stage, heartbeats)
        assert len(stage.provider.asked) == 1, "the lease of the dead still holds"
        await end_leases(stage.database)
        await until(lambda: _is(1, count(stage.database, "assessments", "status = 'ready'")))
    assert [question.assessment_id for question in stage.provider.asked] == [assessment_id] * 2


async def test_worker_whose_sessions_are_ended_goes_on(
    stage: WorkerHarness, spender: Person
) -> None:
    async with carrying(stage, finding_lost_ones(stage)) as heartbeats:
        for _ in range(3):
            await pending(stage, spender)
            await run_alone(
                stage.database.url,
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE application_name = 'assay' AND datname = current_database()",
            )
            await until(lambda: settled_at_last(stage))
        assert heartbeats.silent() == []
    assert await count(stage.database, "assessments", "status = 'ready'") == 3


async def test_worker_without_a_database_waits_for_it_and_falls_silent(
    stage: WorkerHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.assessments.worker.jobs._CONNECTION_WITHIN_SECONDS", 0.05)
    nowhere = create_database(f"postgresql+asyncpg://assay@127.0.0.1:{free_port()}/assay")
    heartbeats = Heartbeats(stage.clock, stage.resources.metrics)
    with capture_logs() as logs:
        async with running([Jobs(replace(stage.resources, database=nowhere))], heartbeats):
            async with asyncio.timeout(60):
                while not logs:
                    await asyncio.sleep(0.01)
            stage.clock.leap(61)
            assert heartbeats.silent() == ["assessments"]
    [line] = logs
    assert (line["event"], line["loop"]) == ("database_away", "assessments")
    assert "Connection refused" in line["reason"]


async def test_worker_whose_database_is_read_only_says_so_once_and_goes_on_by_itself(
    stage: WorkerHarness, spender: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.assessments.worker.jobs.AFTER_FAULT_SECONDS", 0.01)
    url = stage.database.url
    await pending(stage, spender)
    await let_changes(url, allowed=False)
    with capture_logs() as logs:
        async with carrying(stage):
            await until(lambda: _is(1, _count_of(logs)))
            await let_changes(url, allowed=True)
            await until(lambda: settled(stage))
    told = [line for line in logs if line["event"].startswith("database_")]
    assert [line["event"] for line in told] == ["database_read_only", "database_serves_again"]
    assert "25006" in told[0]["reason"]
    assert {line["event"] for line in logs} <= {line["event"] for line in told} | {"lease_lost"}


async def test_worker_that_ends_by_itself_is_started_again(
    stage: WorkerHarness, spender: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    work = App.run_worker_async
    ends = [True, True]

    async def end_at_first(app: App, **how: object) -> None:
        if not ends:
            await work(app, **how)  # type: ignore[arg-type]
        else:
            ends.pop()

    monkeypatch.setattr(App, "run_worker_async", end_at_first)
    await pending(stage, spender)
    with capture_logs() as logs:
        async with carrying(stage):
            await until(lambda: settled(stage))
    assert [line["event"] for line in logs if line.get("loop")] == ["loop_died"] * 2
    assert stage.metric("assay_loop_restarts_total", loop="assessments") == 2


# Failing


@pytest.fixture
def hopeless(monkeypatch: pytest.MonkeyPatch) -> None:
    """Outcomes cannot be kept, and a job is tried only twice."""

    async def fail(*_args: object, **_named: object) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr("app.assessments.worker.jobs._TRIES", 1)
    monkeypatch.setattr("app.assessments.worker.jobs._AGAIN", RetryStrategy(max_attempts=1))
    monkeypatch.setattr("app.assessments.claims.LEASE", timedelta(0))
    monkeypatch.setattr("app.assessments.outcomes.settle_answers", fail)


async def test_job_that_keeps_failing_is_kept_and_rings(
    stage: WorkerHarness, spender: Person, hopeless: None
) -> None:
    [assessment_id] = await left_unasked(stage, spender, 1)
    with capture_logs() as logs:
        async with carrying(stage):
            await until(
                lambda: _is(1, count(stage.database, "jobs.procrastinate_jobs", "attempts = 2"))
            )
    assert [line["event"] for line in logs] == ["job_failed", "job_failed", "alarm"]
    assert {line["assessment_id"] for line in logs} == {assessment_id}
    assert stage.metric("assay_alarms_total", kind="assessment_job_dead") == 1
    assert await count(stage.database, "jobs.procrastinate_jobs", "status = 'failed'") == 1


async def test_assessment_whose_job_is_dead_is_woken_for_again(
    stage: WorkerHarness, spender: Person
) -> None:
    await pending(stage, spender)
    await run(stage, "UPDATE jobs.procrastinate_jobs SET status = 'doing'")
    await run(stage, "UPDATE jobs.procrastinate_jobs SET status = 'failed'")
    async with carrying(stage, finding_lost_ones(stage)):
        await until(lambda: _is(1, count(stage.database, "assessments", "status = 'ready'")))
    assert await count(stage.database, "jobs.procrastinate_jobs", "status = 'failed'") == 1


async def test_what_no_worker_will_end_is_swept_out_in_time(
    stage: WorkerHarness, spender: Person
) -> None:
    cases = [
        ("doing", "4 minutes", True),
        ("doing", "6 minutes", False),
        ("failed", "29 days", True),
        ("failed", "31 days", False),
        ("aborted", "31 days", False),
        ("todo", "31 days", True),
    ]
    ids = await left_unasked(stage, spender, len(cases))
    for assessment_id, (status, age, _) in zip(ids, cases, strict=True):
        await run(stage, BECOME, assessment_id=assessment_id, status=status)
        await run(stage, GROW_OLD, assessment_id=assessment_id, age=age)
    await housekeeping.loops(stage.resources)[1].tick()
    async with stage.database.reading() as connection:
        left = await connection.scalars(text("SELECT queueing_lock FROM jobs.procrastinate_jobs"))
    assert set(left) == {one for one, (_, _, kept) in zip(ids, cases, strict=True) if kept}


def test_job_that_raised_comes_back_when_the_lease_that_it_took_is_over() -> None:
    again = engine._AGAIN.get_retry_decision(exception=RuntimeError(), job=Job(**JOB))
    assert again is not None
    assert again.retry_at is not None
    pause = again.retry_at - datetime.now(UTC)
    assert LEASE < pause < LEASE + timedelta(seconds=3)


# Stopping


async def test_worker_beats_as_long_as_it_looks_for_jobs(stage: WorkerHarness) -> None:
    async with carrying(stage) as heartbeats:
        await until_all_looked(stage, heartbeats)  # to begin is a heartbeat, too
        for _ in range(2):
            stage.clock.leap(61)
            assert heartbeats.silent() == ["assessments"]
            await until_all_looked(stage, heartbeats)


async def test_worker_that_has_nothing_to_do_stops_at_once_and_leaves_no_session(
    stage: WorkerHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.assessments.worker.jobs._POLL_SECONDS", 3600.0)
    monkeypatch.setattr("app.assessments.worker.jobs._FINISH_SECONDS", 3600.0)
    grace = hold_grace(monkeypatch, loops)
    async with carrying(stage):
        await until(lambda: _is(1, count(stage.database, "jobs.procrastinate_workers")))
    assert (grace.seconds, grace.cut_off) == ([GRACE_SECONDS], 0)
    assert await count(stage.database, "jobs.procrastinate_workers") == 0


async def test_worker_that_waits_for_a_provider_stops_within_the_grace(
    stage: WorkerHarness, spender: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The question is left to whoever comes when the lease is over, as after a crash."""
    assert engine._FINISH_SECONDS < GRACE_SECONDS
    monkeypatch.setattr("app.assessments.worker.jobs._FINISH_SECONDS", 0.05)
    grace = hold_grace(monkeypatch, loops)
    await left_unasked(stage, spender, 1)
    slow = Slow()
    heartbeats = Heartbeats(stage.clock, stage.resources.metrics)
    async with running(
        [Jobs(replace(stage.resources, panel=ProviderEnsemble([slow])))], heartbeats
    ):
        await asyncio.wait_for(slow.begun.wait(), 60)
    assert grace.cut_off == 0
    assert await count(stage.database, "assessments", "lease_token IS NOT NULL") == 1
    await end_leases(stage.database)
    await run(stage, LET_GO)
    async with carrying(stage):
        await until(lambda: settled(stage))
