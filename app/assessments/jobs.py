"""Jobs that wake the worker for assessments, in the queue of the engine that carries them.

A job holds the id of an assessment and nothing else: what is to be done, when, and who may do it
stands in `assessments`. So a job that is lost costs a moment, and one too many finds nothing to do.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import ARRAY, Text, bindparam, select, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from app.assessments.models import Assessment
from app.runtime import leases

QUEUE: Final = "assessments"
FINISH_ASSESSMENT: Final = "finish_assessment"

_AT_A_TIME: Final = 500
# No job takes so long: the worker that had it is gone, or could not write down that it was done.
_GIVEN_UP_AFTER: Final = timedelta(minutes=5)
_DEAD_LETTERS_KEPT: Final = timedelta(days=30)

# The path of the functions is theirs (migration 0012); a waiting job's queueing lock is unique.
_WAKE: Final = text(
    """
    SELECT jobs.procrastinate_defer_jobs_v1(array_agg(
        ROW(:queue, :task, 0, NULL, woken, jsonb_build_object('assessment_id', woken),
            clock_timestamp() + :pause)::jobs.procrastinate_job_to_defer_v1))
    FROM unnest(:ids) AS woken
    WHERE NOT EXISTS (SELECT FROM jobs.procrastinate_jobs
                      WHERE queueing_lock = woken AND status = 'todo')
    HAVING count(*) > 0"""
).bindparams(bindparam("ids", type_=ARRAY(Text())))

_NO_JOB_WAITS: Final = text(
    "NOT EXISTS (SELECT FROM jobs.procrastinate_jobs"
    " WHERE queueing_lock = assessments.id AND status = 'todo')"
)

_REAP: Final = text(
    """
    DELETE FROM jobs.procrastinate_jobs AS job
    WHERE status NOT IN ('todo', 'succeeded')
      AND NOT EXISTS (
        SELECT FROM jobs.procrastinate_events
        WHERE job_id = job.id AND at > clock_timestamp() - CASE
            WHEN job.status = 'doing' THEN CAST(:given_up_after AS interval)
            ELSE CAST(:kept AS interval) END)"""
)


_DUE: Final = text(
    """
    SELECT count(*), extract(epoch FROM clock_timestamp() - min(scheduled_at))
    FROM jobs.procrastinate_jobs
    WHERE queue_name = :queue AND status = 'todo' AND scheduled_at <= clock_timestamp()"""
).bindparams(queue=QUEUE)


async def due(connection: AsyncConnection) -> tuple[int, float]:
    """Count our jobs that are due; with for how many seconds the oldest is, 0 if there is none."""
    count, oldest_seconds = (await connection.execute(_DUE)).one()
    return count, float(oldest_seconds or 0)


async def wake(
    session: AsyncSession, assessment_ids: Sequence[str], pause: timedelta = timedelta(0)
) -> None:
    """Wake the worker for assessments after a pause, unless a job waits for them already.

    The caller has begun the transaction, and holds the rows of these assessments in it: nobody else
    can then insert the same jobs. The pause is counted by the database's clock.
    """
    await session.execute(
        _WAKE,
        {"queue": QUEUE, "task": FINISH_ASSESSMENT, "ids": list(assessment_ids), "pause": pause},
    )


async def wake_lost(session: AsyncSession, now: datetime) -> bool:
    """Wake the worker for due assessments that nobody works on and no job waits for.

    Say whether there may be more of them.
    """
    async with session.begin():
        found = await session.scalars(
            select(Assessment.id)
            .where(
                Assessment.next_try_at <= now, leases.is_free(Assessment.lease_until), _NO_JOB_WAITS
            )
            .order_by(Assessment.next_try_at)
            .limit(_AT_A_TIME)
            .with_for_update(skip_locked=True)
        )
        lost = found.all()
        if lost:
            await wake(session, lost)
    return len(lost) == _AT_A_TIME


async def delete_failed(session: AsyncSession) -> None:
    """Delete jobs of workers that died, and dead letters after 30 days."""
    async with session.begin():
        await session.execute(
            _REAP, {"given_up_after": _GIVEN_UP_AFTER, "kept": _DEAD_LETTERS_KEPT}
        )
