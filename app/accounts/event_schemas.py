"""The stream of events of an account."""

from typing import Annotated, Any

from pydantic import Field, WithJsonSchema

from app.events.types import EventType
from app.web.fields import ResponseModel, Timestamp
from app.web.vocabularies import Growing

EventTypeShown = Annotated[EventType, Growing(EventType)]


class EventResponse(ResponseModel):
    """Something that happened to a thing of the account."""

    sequence: int = Field(
        description="Its number in the stream, from 1 on and without gaps", examples=[41]
    )
    type: EventTypeShown = Field(
        description="What happened: `order.…`: `data` is an order as `GET /api/orders/{order_id}`"
        " shows it; `credits.moved`: an item of `GET /api/ledger`; `assessment.…`: an assessment as"
        " `GET /api/assessments/{assessment_id}` shows it; `access_code.updated`: an item of"
        " `GET /api/access_codes`; `key.…`: an item of `GET /api/api_keys`",
        examples=["order.updated"],
    )
    at: Timestamp = Field(description="When it happened", examples=["2026-01-11T12:46:03Z"])
    data: Annotated[
        dict[str, Any], WithJsonSchema({"type": "object", "additionalProperties": True})
    ] = Field(
        description="The whole thing, as the API showed it then",
        examples=[{"order_id": "ord_00VbhnY6RLeQ2oZmgNCoZuaKC", "status": "UNPAID"}],
    )
    previous_status: str | None = Field(
        description="The status of the thing before; null where it is new or has none",
        examples=["TO_BE_CREATED"],
    )


class EventPage(ResponseModel):
    """The next events of a stream, oldest first."""

    items: list[EventResponse]
    next_after: int = Field(
        description="Send it as `after` next time; the same as before where nothing was there",
        examples=[41],
    )
