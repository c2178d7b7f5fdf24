"""Asking providers again for assessments that wait, when a job says so."""

from typing import Final

from procrastinate import App, JobContext, RetryStrategy
from procrastinate.jobs import Job

from app.assessments import provider_calls
from app.assessments.claims import LEASE
from app.assessments.jobs import FINISH_ASSESSMENT, QUEUE
from app.assessments.provider_calls import RetryResult
from app.resources import Resources
from app.runtime.db.failures import is_unavailable, reason_of
from app.runtime.jobs.carrying import JobCarrier
from app.runtime.observability.logging import get_logger

log = get_logger(__name__)

_AT_ONCE: Final = 8
# A job that raised comes back when the lease it took is over, then ever later: 47 minutes in all.
_TRIES: Final = 10
_AGAIN: Final = RetryStrategy(
    max_attempts=_TRIES, wait=int(LEASE.total_seconds()) + 1, linear_wait=60
)


def job_carrier(resources: Resources) -> JobCarrier:
    """Return what carries the jobs of assessments."""

    def add_task(app: App) -> None:
        @app.task(name=FINISH_ASSESSMENT, queue=QUEUE, retry=_AGAIN, pass_context=True)
        async def finish_assessment(context: JobContext, assessment_id: str) -> None:
            try:
                tried = await provider_calls.finish(resources.assessments, assessment_id)
            except Exception as fault:
                _tell(resources, context.job, assessment_id, fault)
                raise
            if tried is not None:
                _observe(resources, tried)

    return JobCarrier(
        "assessments",
        resources.database,
        resources.notifications,
        add_tasks=add_task,
        queues={QUEUE: _AT_ONCE},
    )


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
