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
from app.assessments.context import AssessmentContext
from app.assessments.providers.base import (
    Answer,
    FailureReason,
    ProviderFailed,
    ProviderUnknown,
    Question,
)
from app.assessments.providers.ensemble import ProviderEnsemble
from app.assessments.worker import jobs as engine
from app.assessments.worker.jobs import job_carrier
from app.runtime.background import running_beside
from app.runtime.db.engine import create_database
from app.runtime.db.failures import is_unavailable
from app.runtime.jobs import carrying as engine_workers
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
    monkeypatch.setattr("app.runtime.jobs.carrying._POLL_SECONDS", 0.02)
    monkeypatch.setattr("app.runtime.jobs.carrying.AFTER_FAULT_SECONDS", 0.02)
    monkeypatch.setattr("app.runtime.loops.loops._BEFORE_RESTART_SECONDS", 0.01)


@pytest.fixture
async def spender(harness: WorkerHarness) -> Person:
    """A user with a hundred credits."""
    return await make_user(harness.database, harness.clock.now(), credits_given=100)


@asynccontextmanager
async def carrying(
    harness: WorkerHarness, *others: Loop, workers: int = 1
) -> AsyncIterator[Heartbeats]:
    """Carry jobs beside the body, by as many workers."""
    heartbeats = Heartbeats(harness.clock, harness.resources.metrics)
    bodies: list[Supervised] = [job_carrier(harness.resources) for _ in range(workers)]
    async with running([*bodies, *others], heartbeats):
        yield heartbeats


def finding_lost_ones(harness: WorkerHarness) -> Loop:
    """The loop that finds assessments without a job, with shorter rests."""
    return replace(housekeeping.loops(harness.resources)[0], rest_seconds=0.02)


async def until(holds: Callable[[], Awaitable[bool]], within_seconds: float = 60) -> None:
    async with asyncio.timeout(within_seconds):
        while not await holds():
            await asyncio.sleep(0.01)


async def until_all_looked(harness: WorkerHarness, heartbeats: Heartbeats) -> None:
    """Wait until every loop has made a whole round from now on."""
    await asyncio.sleep(0)  # each begins in a task of its own
    for _ in range(2):
        harness.clock.leap(61)
        async with asyncio.timeout(60):
            while heartbeats.silent():
                await asyncio.sleep(0.01)


async def settled(harness: WorkerHarness) -> bool:
    """Say whether no assessment is pending, and no job is left."""
    return not await count(
        harness.database, "assessments", "status = 'pending'"
    ) and not await count(harness.database, "jobs.procrastinate_jobs")


async def settled_at_last(harness: WorkerHarness) -> bool:
    """Say whether no assessment is pending, and no job waits, where sessions have ended.

    Our own pool finds that out by a failure. A job that lost its session while another one waited
    for the same assessment cannot wait again; it is left over, and deleted after five minutes.
    """
    try:
        return not await count(
            harness.database, "assessments", "status = 'pending'"
        ) and not await count(harness.database, "jobs.procrastinate_jobs", "status = 'todo'")
    except DBAPIError as fault:
        if is_unavailable(fault):
            return False
        raise


async def pending(harness: WorkerHarness, spender: Person) -> str:
    """Ask for an assessment whose outcome stays unknown; return its id."""
    harness.provider.raises = ProviderUnknown()
    view, _ = await create(harness.database, harness.provider, harness.clock, spender)
    harness.provider.raises = None
    return view.id


async def left_unasked(harness: WorkerHarness, spender: Person, how_many: int) -> list[str]:
    """Reserve questions and leave them to the worker, as a batch does whose time is over."""
    async with harness.database.sessions() as session, session.begin():
        reserved = await reserve(
            session,
            AssessmentContext(harness.database, harness.resources.ensemble, harness.clock),
            edition="",
            account_id=spender.account_id,
            subjects=[SUBJECT] * how_many,
            actor=ACTOR,
        )
        await hand_over(session, reserved)
    return [one.question.assessment_id for one in reserved]


async def run(harness: WorkerHarness, statement: str, **values: str) -> None:
    async with harness.database.reading() as connection:
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


async def test_worker_is_woken_when_a_job_is_due_and_need_not_ask(
    harness: WorkerHarness, spender: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A new job at once, one that comes later at its time, and one that was due before."""
    monkeypatch.setattr("app.runtime.jobs.carrying._POLL_SECONDS", 3600.0)
    await pending(harness, spender)
    notifications = harness.resources.notifications
    async with carrying(harness), running_beside(notifications.listen(), "notifications"):
        await until(lambda: settled(harness))
        harness.provider.raises = ProviderUnknown()
        await left_unasked(harness, spender, 1)
        await until(lambda: _is(1, count(harness.database, "assessments", "attempts >= 3")))
        harness.provider.raises = None
        await until(lambda: settled(harness))


async def test_pending_assessment_is_asked_again_and_then_ready(
    harness: WorkerHarness, spender: Person
) -> None:
    async with carrying(harness):
        await pending(harness, spender)
        await until(lambda: settled(harness))
    assert await count(harness.database, "assessments", "status = 'ready' AND attempts = 2") == 1


async def test_assessment_that_stays_pending_wakes_itself_again(
    harness: WorkerHarness, spender: Person
) -> None:
    await pending(harness, spender)
    harness.provider.raises = ProviderUnknown()
    async with carrying(harness):
        await until(
            lambda: _is(1, count(harness.database, "assessments", "attempts >= 4")),
        )
        harness.provider.raises = None
        await until(lambda: settled(harness))


async def _is(wanted: int, counting: Awaitable[int]) -> bool:
    return await counting == wanted


async def _count_of(logs: Sequence[object]) -> int:
    return len(logs)


async def test_refused_assessment_is_refunded_once_and_counted(
    harness: WorkerHarness, spender: Person
) -> None:
    await pending(harness, spender)
    harness.provider.raises = ProviderFailed(FailureReason.BROKEN)
    async with carrying(harness):
        await until(lambda: settled(harness))
    assert await balance_of(harness.database, spender.account_id) == 100
    assert harness.metric("assay_refunds_total") == 1


async def test_job_is_not_done_before_its_time(harness: WorkerHarness, spender: Person) -> None:
    [assessment_id] = await left_unasked(harness, spender, 1)
    await run(harness, "DELETE FROM jobs.procrastinate_jobs")
    async with harness.database.sessions() as session, session.begin():
        await jobs.wake(session, [assessment_id], timedelta(hours=1))
    async with carrying(harness) as heartbeats:
        await until_all_looked(harness, heartbeats)
    assert harness.provider.asked == []


async def test_job_of_an_assessment_that_is_done_does_nothing(
    harness: WorkerHarness, spender: Person
) -> None:
    view, _ = await create(harness.database, harness.provider, harness.clock, spender)
    asked = len(harness.provider.asked)
    async with harness.database.sessions() as session, session.begin():
        await jobs.wake(session, [view.id])
    async with carrying(harness):
        await until(lambda: settled(harness))
    assert len(harness.provider.asked) == asked


async def test_assessment_that_another_works_on_is_left_to_it(
    harness: WorkerHarness, spender: Person
) -> None:
    assessment_id = await pending(harness, spender)
    harness.clock.leap(1)
    async with harness.database.sessions() as session:
        held = await claim(session, harness.clock.now(), assessment_id)
    assert held is not None
    await run(harness, "DELETE FROM jobs.procrastinate_jobs")
    async with harness.database.sessions() as session:
        assert not await jobs.wake_lost(session, harness.clock.now())
    assert await count(harness.database, "jobs.procrastinate_jobs") == 0
    async with harness.database.sessions() as session, session.begin():
        await jobs.wake(session, [assessment_id])
    async with carrying(harness, finding_lost_ones(harness)):
        await until(lambda: _is(0, count(harness.database, "jobs.procrastinate_jobs")))
    assert len(harness.provider.asked) == 1


async def test_an_assessment_has_one_job_at_most(harness: WorkerHarness, spender: Person) -> None:
    ids = await left_unasked(harness, spender, 3)
    for _ in range(2):
        async with harness.database.sessions() as session, session.begin():
            await jobs.wake(session, ids)
        async with harness.database.sessions() as session:
            assert not await jobs.wake_lost(session, harness.clock.now())
    assert await count(harness.database, "jobs.procrastinate_jobs") == 3


async def test_job_is_there_when_and_only_when_its_transaction_commits(
    harness: WorkerHarness, spender: Person
) -> None:
    [assessment_id] = await left_unasked(harness, spender, 1)
    await run(harness, "DELETE FROM jobs.procrastinate_jobs")
    async with harness.database.sessions() as session:
        await session.begin()
        await jobs.wake(session, [assessment_id])
        await session.rollback()
        assert await count(harness.database, "jobs.procrastinate_jobs") == 0
        await session.begin()
        await jobs.wake(session, [assessment_id])
        assert await count(harness.database, "jobs.procrastinate_jobs") == 0
        await session.commit()
    assert await count(harness.database, "jobs.procrastinate_jobs") == 1


async def test_two_workers_ask_each_of_a_hundred_once(
    harness: WorkerHarness, spender: Person
) -> None:
    ids = await left_unasked(harness, spender, 100)
    async with carrying(harness, finding_lost_ones(harness), workers=2):
        await until(lambda: settled(harness))
    assert Counter(question.assessment_id for question in harness.provider.asked) == Counter(ids)
    assert await count(harness.database, "assessments", "status = 'ready'") == 100


# Losing


async def test_assessment_whose_job_was_lost_is_found(
    harness: WorkerHarness, spender: Person
) -> None:
    await pending(harness, spender)
    await run(harness, "TRUNCATE jobs.procrastinate_jobs CASCADE")
    async with carrying(harness, finding_lost_ones(harness)):
        await until(lambda: settled(harness))
    assert await count(harness.database, "assessments", "status = 'ready'") == 1


async def test_more_lost_ones_than_are_woken_at_once_are_woken(
    harness: WorkerHarness, spender: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.assessments.jobs._AT_A_TIME", 2)
    await left_unasked(harness, spender, 3)
    await run(harness, "DELETE FROM jobs.procrastinate_jobs")
    async with harness.database.sessions() as session:
        assert await jobs.wake_lost(session, harness.clock.now())
        assert not await jobs.wake_lost(session, harness.clock.now())
    assert await count(harness.database, "jobs.procrastinate_jobs", "status = 'todo'") == 3


async def test_assessment_of_a_killed_worker_is_finished_by_another(
    harness: WorkerHarness, spender: Person, tmp_path: Path, database_url: str
) -> None:
    """It was asked, and nobody knows what came of it: another asks when the lease is over."""
    assessment_id = await pending(harness, spender)
    vendor = harness.upstream.base_url.partition("/api/")[0] + "/chainalysis/api/v1/"
    await harness.upstream.fault("timeout", source="chainalysis", endpoint="sanctions", seconds=60)
    killed = Process(
        "worker",
        folder=tmp_path,
        ASSAY_PORT=str(free_port()),
        ASSAY_DATABASE_URL=database_url,
        ASSAY_BTC_DEST_ADDRESS=BTC_DEST_ADDRESS,
        ASSAY_AEONTO_BASE_URL=harness.upstream.base_url,
        ASSAY_RISK_PROVIDER="chainalysis",
        ASSAY_CHAINALYSIS_URL=vendor,
        ASSAY_CHAINALYSIS_API_KEY="a-key-of-the-tests",
    )
    killed.start()
    try:
        await until(
            lambda: _is(1, count(harness.database, "assessments", "lease_token IS NOT NULL")), 60
        )
    finally:
        killed.end()
    assert await count(harness.database, "jobs.procrastinate_jobs", "status = 'doing'") == 1
    async with carrying(harness, finding_lost_ones(harness)) as heartbeats:
        await until_all_looked(harness, heartbeats)
        assert len(harness.provider.asked) == 1, "the lease of the dead still holds"
        await end_leases(harness.database)
        await until(lambda: _is(1, count(harness.database, "assessments", "status = 'ready'")))
    assert [question.assessment_id for question in harness.provider.asked] == [assessment_id] * 2


async def test_worker_whose_sessions_are_ended_goes_on(
    harness: WorkerHarness, spender: Person
) -> None:
    async with carrying(harness, finding_lost_ones(harness)) as heartbeats:
        for _ in range(3):
            await pending(harness, spender)
            await run_alone(
                harness.database.url,
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE application_name = 'assay' AND datname = current_database()",
            )
            await until(lambda: settled_at_last(harness))
        assert heartbeats.silent() == []
    assert await count(harness.database, "assessments", "status = 'ready'") == 3


async def test_worker_without_a_database_waits_for_it_and_falls_silent(
    harness: WorkerHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.runtime.jobs.carrying._CONNECTION_WITHIN_SECONDS", 0.05)
    nowhere = create_database(f"postgresql+asyncpg://assay@127.0.0.1:{free_port()}/assay")
    heartbeats = Heartbeats(harness.clock, harness.resources.metrics)
    with capture_logs() as logs:
        async with running([job_carrier(replace(harness.resources, database=nowhere))], heartbeats):
            async with asyncio.timeout(60):
                while not logs:
                    await asyncio.sleep(0.01)
            harness.clock.leap(61)
            assert heartbeats.silent() == ["assessments"]
    [line] = logs
    assert (line["event"], line["loop"]) == ("database_away", "assessments")
    assert "Connection refused" in line["reason"]


async def test_worker_whose_database_is_read_only_says_so_once_and_goes_on_by_itself(
    harness: WorkerHarness, spender: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.runtime.jobs.carrying.AFTER_FAULT_SECONDS", 0.01)
    url = harness.database.url
    await pending(harness, spender)
    await let_changes(url, allowed=False)
    with capture_logs() as logs:
        async with carrying(harness):
            await until(lambda: _is(1, _count_of(logs)))
            await let_changes(url, allowed=True)
            await until(lambda: settled(harness))
    told = [line for line in logs if line["event"].startswith("database_")]
    assert [line["event"] for line in told] == ["database_read_only", "database_serves_again"]
    assert "25006" in told[0]["reason"]
    assert {line["event"] for line in logs} <= {line["event"] for line in told} | {"lease_lost"}


async def test_worker_that_ends_by_itself_is_started_again(
    harness: WorkerHarness, spender: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    work = App.run_worker_async
    ends = [True, True]

    async def end_at_first(app: App, **how: object) -> None:
        if not ends:
            await work(app, **how)  # type: ignore[arg-type]
        else:
            ends.pop()

    monkeypatch.setattr(App, "run_worker_async", end_at_first)
    await pending(harness, spender)
    with capture_logs() as logs:
        async with carrying(harness):
            await until(lambda: settled(harness))
    assert [line["event"] for line in logs if line.get("loop")] == ["loop_died"] * 2
    assert harness.metric("assay_loop_restarts_total", loop="assessments") == 2


# Failing


@pytest.fixture
def hopeless(monkeypatch: pytest.MonkeyPatch) -> None:
    """Outcomes cannot be kept, and a job is tried only twice."""

    async def fail(*_args: object, **_named: object) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr("app.assessments.worker.jobs._TRIES", 1)
    monkeypatch.setattr("app.assessments.worker.jobs._AGAIN", RetryStrategy(max_attempts=1))
    monkeypatch.setattr("app.assessments.claims.LEASE", timedelta(0))
    monkeypatch.setattr("app.assessments.outcomes.keep_answer", fail)


async def test_job_that_keeps_failing_is_kept_and_rings(
    harness: WorkerHarness, spender: Person, hopeless: None
) -> None:
    [assessment_id] = await left_unasked(harness, spender, 1)
    with capture_logs() as logs:
        async with carrying(harness):
            await until(
                lambda: _is(1, count(harness.database, "jobs.procrastinate_jobs", "attempts = 2"))
            )
    assert [line["event"] for line in logs] == ["job_failed", "job_failed", "alarm"]
    assert {line["assessment_id"] for line in logs} == {assessment_id}
    assert harness.metric("assay_alarms_total", kind="assessment_job_dead") == 1
    assert await count(harness.database, "jobs.procrastinate_jobs", "status = 'failed'") == 1


async def test_assessment_whose_job_is_dead_is_woken_for_again(
    harness: WorkerHarness, spender: Person
) -> None:
    await pending(harness, spender)
    await run(harness, "UPDATE jobs.procrastinate_jobs SET status = 'doing'")
    await run(harness, "UPDATE jobs.procrastinate_jobs SET status = 'failed'")
    async with carrying(harness, finding_lost_ones(harness)):
        await until(lambda: _is(1, count(harness.database, "assessments", "status = 'ready'")))
    assert await count(harness.database, "jobs.procrastinate_jobs", "status = 'failed'") == 1


async def test_what_no_worker_will_end_is_swept_out_in_time(
    harness: WorkerHarness, spender: Person
) -> None:
    cases = [
        ("doing", "4 minutes", True),
        ("doing", "6 minutes", False),
        ("failed", "29 days", True),
        ("failed", "31 days", False),
        ("aborted", "31 days", False),
        ("todo", "31 days", True),
    ]
    ids = await left_unasked(harness, spender, len(cases))
    for assessment_id, (status, age, _) in zip(ids, cases, strict=True):
        await run(harness, BECOME, assessment_id=assessment_id, status=status)
        await run(harness, GROW_OLD, assessment_id=assessment_id, age=age)
    await housekeeping.loops(harness.resources)[1].tick()
    async with harness.database.reading() as connection:
        left = await connection.scalars(text("SELECT queueing_lock FROM jobs.procrastinate_jobs"))
    assert set(left) == {one for one, (_, _, kept) in zip(ids, cases, strict=True) if kept}


def test_job_that_raised_comes_back_when_the_lease_that_it_took_is_over() -> None:
    again = engine._AGAIN.get_retry_decision(exception=RuntimeError(), job=Job(**JOB))
    assert again is not None
    assert again.retry_at is not None
    pause = again.retry_at - datetime.now(UTC)
    assert LEASE < pause < LEASE + timedelta(seconds=3)


# Stopping


async def test_worker_beats_as_long_as_it_looks_for_jobs(harness: WorkerHarness) -> None:
    async with carrying(harness) as heartbeats:
        await until_all_looked(harness, heartbeats)  # to begin is a heartbeat, too
        for _ in range(2):
            harness.clock.leap(61)
            assert heartbeats.silent() == ["assessments"]
            await until_all_looked(harness, heartbeats)


async def test_worker_that_has_nothing_to_do_stops_at_once_and_leaves_no_session(
    harness: WorkerHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.runtime.jobs.carrying._POLL_SECONDS", 3600.0)
    monkeypatch.setattr("app.runtime.jobs.carrying._FINISH_SECONDS", 3600.0)
    grace = hold_grace(monkeypatch, loops)
    async with carrying(harness):
        await until(lambda: _is(1, count(harness.database, "jobs.procrastinate_workers")))
    assert (grace.seconds, grace.cut_off) == ([GRACE_SECONDS], 0)
    assert await count(harness.database, "jobs.procrastinate_workers") == 0


async def test_worker_that_waits_for_a_provider_stops_within_the_grace(
    harness: WorkerHarness, spender: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The question is left to whoever comes when the lease is over, as after a crash."""
    assert engine_workers._FINISH_SECONDS < GRACE_SECONDS
    monkeypatch.setattr("app.runtime.jobs.carrying._FINISH_SECONDS", 0.05)
    grace = hold_grace(monkeypatch, loops)
    await left_unasked(harness, spender, 1)
    slow = Slow()
    heartbeats = Heartbeats(harness.clock, harness.resources.metrics)
    async with running(
        [job_carrier(replace(harness.resources, ensemble=ProviderEnsemble([slow])))], heartbeats
    ):
        await asyncio.wait_for(slow.begun.wait(), 60)
    assert grace.cut_off == 0
    assert await count(harness.database, "assessments", "lease_token IS NOT NULL") == 1
    await end_leases(harness.database)
    await run(harness, LET_GO)
    async with carrying(harness):
        await until(lambda: settled(harness))
