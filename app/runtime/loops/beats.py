"""When each loop last finished a round in any process, by the database's clock."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Final

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from app.runtime.db.direct import Statement
from app.runtime.db.engine import Database
from app.runtime.models import LoopBeat

_SAVE: Final = Statement("""
    INSERT INTO loop_beats AS kept (loop, beat_at)
    SELECT loop, clock_timestamp() - age
    FROM unnest(:loops::text[], :ages::interval[]) AS beat (loop, age) ORDER BY loop
    ON CONFLICT (loop) DO UPDATE SET beat_at = greatest(kept.beat_at, excluded.beat_at)""")


async def save(database: Database, ages: Mapping[str, timedelta]) -> None:
    """Write how long ago each loop had its last round here.

    A later round of another process stays. Rows are locked in the order of their names, so that two
    processes wait for each other one after the other.
    """
    await database.fetch(_SAVE, loops=list(ages), ages=list(ages.values()))


async def seconds_ago(connection: AsyncConnection) -> dict[str, float]:
    """Return for each loop how many seconds ago any process last finished a round of it."""
    age = func.extract("epoch", func.clock_timestamp() - LoopBeat.beat_at)
    rows = await connection.execute(select(LoopBeat.loop, age))
    return {loop: max(0.0, float(seconds)) for loop, seconds in rows}
