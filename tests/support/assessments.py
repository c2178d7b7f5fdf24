"""Finishing assessments as the worker does, without the engine that wakes it."""

from sqlalchemy import select

from app.db.engine import Database
from app.domain.clock import Clock
from app.models import Assessment
from app.providers.panel import Panel
from app.services import asking, leases
from app.services.asking import Tried


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


async def finish_due(database: Database, panel: Panel, clock: Clock) -> Tried | None:
    """Ask about one pending assessment that is due; None when there is none."""
    assessment_id = await next_due(database, clock)
    if assessment_id is None:
        return None
    return await asking.finish(database, panel, clock, assessment_id)
