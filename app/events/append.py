"""Writing events in the transaction of what they tell of; the database numbers them at its commit.

As a statement of its own, or as a part of one that changes what the events tell of.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.events.types import EventType


@dataclass(frozen=True)
class NewEvent:
    """An event that is about to be written.

    `owner_id` is the account whose thing it tells of: its stream shows it, that of its issuer if it
    is an access code, and that of `other_id`. `data` is the thing as the API shows it, in JSON.
    """

    type: EventType
    owner_id: str
    at: datetime
    data: str
    previous_status: str | None = None
    other_id: str | None = None


def inserting(joined: str = "") -> str:
    """Return the SQL that inserts the events of `parameters`, in their order.

    `joined` is SQL that joins to `told`, whose column `data` is the thing: what it does not find is
    not told.
    """
    return f"""
    INSERT INTO events (account_ids, type, at, previous_status, data)
    SELECT array_remove(ARRAY[told.owner_id, told.other_id], NULL)
            || ARRAY(SELECT issuer_id FROM access_codes WHERE account_id = told.owner_id),
        told.type, told.at, told.previous_status, told.data
    FROM (
        SELECT owner_id, other_id, type, at, previous_status, data::jsonb AS data, position
        FROM unnest(
            CAST(:event_owner_ids AS text[]), CAST(:event_other_ids AS text[]),
            CAST(:event_types AS text[]), CAST(:event_times AS timestamptz[]),
            CAST(:event_previous AS text[]), CAST(:event_data AS text[])
        ) WITH ORDINALITY
            AS sent (owner_id, other_id, type, at, previous_status, data, position)
    ) told {joined}
    ORDER BY told.position"""  # noqa: S608  all of it is ours


def parameters(events: Sequence[NewEvent]) -> dict[str, Any]:
    """Return the parameters of `inserting`."""
    return {
        "event_owner_ids": [event.owner_id for event in events],
        "event_other_ids": [event.other_id for event in events],
        "event_types": [str(event.type) for event in events],
        "event_times": [event.at for event in events],
        "event_previous": [event.previous_status for event in events],
        "event_data": [event.data for event in events],
    }


def inserting_one(source: str) -> str:
    """Return the SQL that inserts the event of `parameters_of_one` once for each row of a source.

    PostgreSQL plans a statement anew each time that has arrays of parameters.
    """
    return f"""
    INSERT INTO events (account_ids, type, at, previous_status, data)
    SELECT array_remove(ARRAY[CAST(:event_owner_id AS text), CAST(:event_other_id AS text)], NULL)
            || ARRAY(SELECT issuer_id FROM access_codes WHERE account_id = :event_owner_id),
        :event_type, :event_time, CAST(:event_previous AS text), CAST(:event_data AS jsonb)
    FROM {source}"""  # noqa: S608  all of it is ours


def parameters_of_one(event: NewEvent) -> dict[str, Any]:
    """Return the parameters of `inserting_one`."""
    return {
        "event_owner_id": event.owner_id,
        "event_other_id": event.other_id,
        "event_type": str(event.type),
        "event_time": event.at,
        "event_previous": event.previous_status,
        "event_data": event.data,
    }


_APPEND: Final = text(inserting())


async def append(session: AsyncSession, events: Sequence[NewEvent]) -> None:
    """Write events in the caller's transaction, if there are any."""
    if events:
        await session.execute(_APPEND, parameters(events))
