"""Finishing assessments as the worker does, without the engine that wakes it."""

from sqlalchemy import select

from app.assessments import provider_calls
from app.assessments.context import AssessmentContext
from app.assessments.models import Assessment
from app.assessments.provider_calls import RetryResult
from app.assessments.providers.ensemble import ProviderEnsemble
from app.runtime import leases
from app.runtime.clock import Clock
from app.runtime.db.engine import Database


async def next_due(database: Database, clock: Clock) -> str | None:
    """Return the pending assessment that is due the longest and that nobody works on."""
    async with database.reading() as connection:
        found: str | None = await connection.scalar(
            select(Assessment.id)
            .where(Assessment.next_try_at <= clock.now(), leases.is_free(Assessment.lease_until))
            .order_by(Assessment.next_try_at)
            .limit(1)
        )
    return found


async def finish_due(
    database: Database, ensemble: ProviderEnsemble, clock: Clock
) -> RetryResult | None:
    """Ask about one pending assessment that is due; None when there is none."""
    assessment_id = await next_due(database, clock)
    if assessment_id is None:
        return None
    return await provider_calls.finish(AssessmentContext(database, ensemble, clock), assessment_id)
