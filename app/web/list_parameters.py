"""The query parameters by which lists are filtered, and what they mean together."""

from typing import Annotated

from fastapi import Depends, Query
from pydantic.json_schema import SkipJsonSchema

from app.runtime.paging import TimeRange
from app.web.fields import TimeSent
from app.web.labels import ClientReference


async def _time_range(
    created_after: Annotated[
        TimeSent | SkipJsonSchema[None],
        Query(
            description="Only what was created at this time or later (RFC 3339, with its offset)",
            examples=["2026-01-01T00:00:00Z"],
        ),
    ] = None,
    created_before: Annotated[
        TimeSent | SkipJsonSchema[None],
        Query(
            description="Only what was created before this time, and not at it, so that a range that"
            " ends where the next begins leaves nothing out and repeats nothing",
            examples=["2026-02-01T00:00:00Z"],
        ),
    ] = None,
) -> TimeRange:
    return TimeRange(created_after, created_before)


CreatedRange = Annotated[TimeRange, Depends(_time_range)]
ReferenceParameter = Annotated[
    ClientReference | SkipJsonSchema[None],
    Query(description="Only what is called so", examples=["invoice-2026-0042"]),
]
