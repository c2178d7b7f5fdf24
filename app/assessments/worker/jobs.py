"""Carrying jobs: the worker of the engine, procrastinate, as one more thing that must keep running.

The engine only wakes: it says which assessment to look at, at a time at which it is due, and
remembers what failed. Whether there is anything to do, and who may do it, `assessments` says.
"""

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from typing import Any, Final

import psycopg
from procrastinate import App, JobContext, PsycopgConnector, RetryStrategy
from procrastinate.exceptions import ConnectorException
from procrastinate.jobs import DeleteJobCondition, Job
from procrastinate.manager import JobManager
from typing_extensions import override

from app.assessments import provider_calls
from app.assessments.claims import LEASE
from app.assessments.jobs import FINISH_ASSESSMENT, QUEUE
from app.assessments.provider_calls import RetryResult
from app.assessments.worker.jobs_connector import HearingConnector
from app.resources import Resources
from app.runtime.db.engine import TIMEOUTS
from app.runtime.db.failures import Unavailable, is_unavailable, reason_of, unavailability
from app.runtime.db.libpq import for_psycopg
from app.runtime.db.urls import read_database_url
from app.runtime.loops.heartbeats import Heartbeats
from app.runtime.loops.loops import AFTER_FAULT_SECONDS, GRACE_SECONDS, rest
from app.runtime.loops.outages import Outage
from app.runtime.observability.logging import get_logger

log = get_logger(__name__)

_AT_ONCE: Final = 8
# The connector tells when a job is due. What nobody told of is found all the same.
_POLL_SECONDS: Final = 20.0
# A job in flight is let finish for so long; then it is for whoever comes when its lease is over.
_FINISH_SECONDS: Final = GRACE_SECONDS * 0.7
# One connection is enough: a job uses it twice, for a statement each time.
_CONNECTIONS: Final = 1
_CONNECTION_WITHIN_SECONDS: Final = 5.0
_SETTINGS: Final = TIMEOUTS | {"search_path": "jobs", "statement_timeout": "5s"}
# A job that raised comes back when the lease it took is over, then ever later: 47 minutes in all.
_TRIES: Final = 10
_AGAIN: Final = RetryStrategy(
    max_attempts=_TRIES, wait=int(LEASE.total_seconds()) + 1, linear_wait=60
)


class WorkerEnded(Exception):
    """The engine's worker ended, and nobody had told it to."""


class Jobs:
    """Does what jobs wake it for, and beats whenever it has looked for one."""

    name: Final = "assessments"

    def __init__(self, resources: Resources) -> None:
        self._resources = resources

    async def run(self, heartbeats: Heartbeats, stopping: asyncio.Event) -> None:
        """Carry jobs until `stopping` is set. Raises what ended the worker otherwise."""
        outage = Outage(self.name)

        def beat() -> None:
            outage.end()
            heartbeats.beat(self.name)

        while not stopping.is_set():
            try:
                await self._carry(beat, stopping)
            except (ConnectorException, psycopg.Error) as fault:
                why = _unavailability(fault)
                if why is None:
                    raise
                await rest(outage.go_on(why, fault, AFTER_FAULT_SECONDS), stopping)

    async def _carry(self, beat: Callable[[], None], stopping: asyncio.Event) -> None:
        app = jobs_app(self._resources, beat)
        async with app.open_async():
            working = asyncio.create_task(_work(app))
            told = asyncio.create_task(stopping.wait())
            try:
                await asyncio.wait({working, told}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                told.cancel()
                working.cancel()  # to its worker this is a request to stop
                await asyncio.wait({working})
        if not working.cancelled():
            working.result()
            raise WorkerEnded


def jobs_app(resources: Resources, beat: Callable[[], None]) -> App:
    """Return an application of the engine with our one task; it is not open yet."""
    url = read_database_url(resources.database.url)
    connector = HearingConnector(
        resources,
        settings=_SETTINGS,
        kwargs=for_psycopg(url),
        min_size=0,
        max_size=_CONNECTIONS,
        timeout=_CONNECTION_WITHIN_SECONDS,
    )
    app = App(connector=connector)
    app.job_manager = _BeatingManager(connector, beat)

    @app.task(name=FINISH_ASSESSMENT, queue=QUEUE, retry=_AGAIN, pass_context=True)
    async def finish_assessment(context: JobContext, assessment_id: str) -> None:
        try:
            tried = await provider_calls.finish(resources.assessments, assessment_id)
        except Exception as fault:
            _tell(resources, context.job, assessment_id, fault)
            raise
        if tried is not None:
            _observe(resources, tried)

    return app


def _work(app: App) -> Coroutine[Any, Any, None]:
    return app.run_worker_async(
        queues=[QUEUE],
        concurrency=_AT_ONCE,
        fetch_job_polling_interval=_POLL_SECONDS,
        shutdown_graceful_timeout=_FINISH_SECONDS,
        install_signal_handlers=False,
        delete_jobs=DeleteJobCondition.SUCCESSFUL,
    )


class _BeatingManager(JobManager):
    """A manager that tells when the worker has looked for a job."""

    def __init__(self, connector: PsycopgConnector, beat: Callable[[], None]) -> None:
        super().__init__(connector)
        self._beat = beat

    @override
    async def fetch_job(self, queues: Iterable[str] | None, worker_id: int) -> Job | None:
        job = await super().fetch_job(queues, worker_id)
        self._beat()
        return job


def _observe(resources: Resources, tried: RetryResult) -> None:
    """Count what came of a try, and ring once when there is no answer for too long."""
    if tried.refunded:
        resources.metrics.refunds.inc()
    for provider in tried.asked_again:
        resources.metrics.asked_again.labels(provider).inc()
    if tried.is_overdue:
        resources.metrics.alarms.labels("assessment_overdue").inc()
        log.error("alarm", alarm="assessment_overdue", assessment_id=tried.assessment_id)


def _tell(resources: Resources, job: Job, assessment_id: str, fault: Exception) -> None:
    """Log that a job raised; ring when it did so for the last time."""
    if is_unavailable(fault):
        log.warning("job_lost_its_database", assessment_id=assessment_id, reason=reason_of(fault))
    else:
        log.exception("job_failed", assessment_id=assessment_id)
    if job.attempts >= _TRIES:
        resources.metrics.alarms.labels("assessment_job_dead").inc()
        log.error("alarm", alarm="assessment_job_dead", assessment_id=assessment_id)


def _unavailability(fault: Exception) -> Unavailable | None:
    """Say why the database cannot serve the engine now; None when the fault is another one."""
    told = fault.__cause__ or fault
    why = unavailability(told)
    if why is None and isinstance(told, psycopg.OperationalError):
        return Unavailable.AWAY  # libpq gives no state for what it could not reach
    return why
