"""When each loop last finished a round in any process, by the database's clock."""

from collections.abc import Mapping
from datetime import timedelta

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from app.runtime.models import LoopBeat


async def save(session: AsyncSession, ages: Mapping[str, timedelta]) -> None:
    """Write how long ago each loop had its last round here, in the caller's transaction.

    A later round of another process stays. Rows are locked in the order of their names, so that two
    processes wait for each other one after the other.
    """
    beats = insert(LoopBeat).values(
        [{"loop": loop, "beat_at": func.clock_timestamp() - ages[loop]} for loop in sorted(ages)]
    )
    newest = func.greatest(LoopBeat.beat_at, beats.excluded.beat_at)
    await session.execute(
        beats.on_conflict_do_update(index_elements=["loop"], set_={"beat_at": newest})
    )


async def seconds_ago(connection: AsyncConnection) -> dict[str, float]:
    """Return for each loop how many seconds ago any process last finished a round of it."""
    age = func.extract("epoch", func.clock_timestamp() - LoopBeat.beat_at)
    rows = await connection.execute(select(LoopBeat.loop, age))
    return {loop: max(0.0, float(seconds)) for loop, seconds in rows}
