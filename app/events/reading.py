"""Reading the stream of an account, oldest first, from any event on."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from app.events.types import EventType
from app.runtime.db.direct import Statement
from app.runtime.db.engine import Database


@dataclass(frozen=True)
class EventView:
    """An event in the stream of an account."""

    sequence: int
    type: EventType
    at: datetime
    previous_status: str | None
    data: dict[str, Any]


@dataclass(frozen=True)
class EventsRead:
    """The next events of a stream, of the types that were asked for, and where to go on.

    `more` says that the stream may go on right there.
    """

    items: Sequence[EventView]
    next_after: int
    more: bool


# Each event is looked up by its id: `LIMIT 1` keeps the planner from reading all of them in its stead.
_NEXT: Final = Statement("""
    SELECT numbered.sequence, numbered.type, told.at, told.previous_status, told.data
    FROM account_events numbered CROSS JOIN LATERAL (
        SELECT at, previous_status, data FROM events WHERE id = numbered.event_id LIMIT 1) told
    WHERE numbered.account_id = :account_id AND numbered.sequence > :after
    ORDER BY numbered.sequence LIMIT :most""")


async def read_after(
    database: Database,
    account_id: str,
    *,
    after: int,
    limit: int,
    types: Collection[EventType] | None = None,
) -> EventsRead:
    """Return the next `limit` events of an account after the one of a sequence number.

    Those that are not of `types` are left out of them; None: all types.
    """
    rows = await database.fetch(_NEXT, account_id=account_id, after=after, most=limit)
    return EventsRead(
        items=[
            EventView(
                row["sequence"],
                EventType(row["type"]),
                row["at"],
                row["previous_status"],
                row["data"],
            )
            for row in rows
            if types is None or row["type"] in types
        ],
        next_after=rows[-1]["sequence"] if rows else after,
        more=len(rows) == limit,
    )
