"""How long the oldest assessment without an answer waits."""

from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from app.assessments.models import Assessment


async def oldest_pending_seconds(connection: AsyncConnection, now: datetime) -> float:
    """Return its age in seconds, 0 when none waits, by a partial index of pending ones alone."""
    since: datetime | None = await connection.scalar(
        select(func.min(Assessment.created_at)).where(Assessment.next_try_at.is_not(None))
    )
    return (now - since).total_seconds() if since else 0.0
