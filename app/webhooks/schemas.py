"""Webhook endpoints and their deliveries."""

from typing import Annotated, Any, Final

from fastapi import Path, Query
from pydantic import (
    AfterValidator,
    Field,
    Strict,
    StringConstraints,
    model_validator,
)
from pydantic.json_schema import SkipJsonSchema

from app.events.types import EventType
from app.web.fields import (
    Allowed,
    ChangeModel,
    LongText,
    RequestModel,
    ResponseModel,
    StrictBoolean,
    TimeSent,
    Timestamp,
    not_allowed,
)
from app.web.pages import PageResponse
from app.webhooks.rules.states import DeliveryStatus, DisabledReason, EndpointStatus
from app.webhooks.rules.urls import MAX_URL_LENGTH

MAX_DELIVERY_IDS: Final = 100
_MAX_SEQUENCE: Final = 10**15
_TYPES: Final = "a list of at least one of: " + ", ".join(EventType)
_ENDPOINT_ID: Final = "whe_00VbhnY6RLeQ2oZmgNCoZuaKC"
_DELIVERY_ID: Final = "whd_00VbhnY6RLeQ2oZmgNCoZuaKC"
_MESSAGE_ID: Final = "evt_6ab1c4f0d2e35b7798a1c0de5f42b913"
_URL: Final = "https://shop.example.com/webhooks/assay"
_EVENT: Final = (
    '{"sequence":42,"type":"order.credited","at":"2026-01-11T12:46:03Z",'
    '"data":{"order_id":"ord_00VbhnY6RLeQ2oZmgNCoZuaKC"},"previous_status":"PAID"}'
)


def _distinct(types: list[EventType]) -> list[EventType]:
    return [event_type for event_type in EventType if event_type in types]


EndpointInPath = Annotated[str, Path(description="The endpoint's `id`", examples=[_ENDPOINT_ID])]
DeliveryInPath = Annotated[str, Path(description="The delivery's `id`", examples=[_DELIVERY_ID])]
StatusFilter = Annotated[
    DeliveryStatus | SkipJsonSchema[None],
    Query(description="Of this status alone; absent: of each", examples=["failed"]),
    Allowed("one of: " + ", ".join(DeliveryStatus)),
]
_Url = Annotated[
    str,
    Strict(),
    StringConstraints(min_length=1, max_length=MAX_URL_LENGTH),
    Allowed(f"a URL of at most {MAX_URL_LENGTH} characters"),
]
_EventTypes = Annotated[
    list[EventType],
    Field(min_length=1, max_length=100),
    Allowed(_TYPES),
    AfterValidator(_distinct),
]
_Sequence = Annotated[
    int,
    Strict(),
    Field(ge=1, le=_MAX_SEQUENCE),
    Allowed(f"a whole number from 1 to {_MAX_SEQUENCE}"),
]
_UrlField: Final[Any] = Field(
    description="Where events are posted to: https, port 443 or from 1024 on, at a public address",
    examples=[_URL],
)
_TYPES_SAID: Final = "Which events are sent; absent: all, also of types that come later"


class CreateWebhookEndpointRequest(RequestModel):
    """A new webhook endpoint."""

    url: _Url = _UrlField
    event_types: _EventTypes | None = Field(
        None, description=_TYPES_SAID, examples=[["order.updated", "order.credited"]]
    )
    description: LongText | None = Field(
        None, description="What you call it, in lists", examples=["shop, production"]
    )

    @model_validator(mode="before")
    @classmethod
    def _refuse_no_types(cls, sent: Any) -> Any:  # noqa: ANN401
        """Refuse an empty list of types, which elsewhere is as if it were not sent."""
        if isinstance(sent, dict) and sent.get("event_types") == []:
            raise not_allowed(_TYPES, name="event_types")
        return sent


class ChangeWebhookEndpointRequest(ChangeModel):
    """What changes of a webhook endpoint; what is not named stays as it is."""

    url: _Url = Field(
        default_factory=str, description="Where events are posted to from now on", examples=[_URL]
    )
    event_types: _EventTypes | None = Field(
        None,
        description="Which events are sent from now on; null: all",
        examples=[["order.updated", "order.credited"]],
    )
    description: LongText | None = Field(
        None, description="What you call it; null: nothing", examples=["shop, production"]
    )
    enabled: StrictBoolean = Field(
        default_factory=bool,
        description="Whether events are sent. One that is enabled again goes on where it stopped",
        examples=[True],
    )


class RedeliverRequest(RequestModel):
    """What is sent again: deliveries, or a range of events, or the events since a time."""

    delivery_ids: (
        Annotated[
            list[Annotated[str, Strict()]],
            Field(min_length=1, max_length=MAX_DELIVERY_IDS),
            Allowed(f"a list of 1 to {MAX_DELIVERY_IDS} ids"),
        ]
        | None
    ) = Field(None, description="These deliveries", examples=[[_DELIVERY_ID]])
    from_sequence: _Sequence | None = Field(
        None, description="The events from this one on", examples=[42]
    )
    to_sequence: _Sequence | None = Field(
        None,
        description="With `from_sequence`: up to this one; absent: all since",
        examples=[99],
    )
    since: TimeSent | None = Field(
        None, description="The events since this time", examples=["2026-01-11T12:00:00Z"]
    )

    @model_validator(mode="after")
    def _one_way(self) -> "RedeliverRequest":
        given = [self.delivery_ids, self.from_sequence, self.since]
        if sum(way is not None for way in given) != 1:
            raise not_allowed(
                "given, or from_sequence, or since: one of them alone", name="delivery_ids"
            )
        if self.to_sequence is not None:
            if self.from_sequence is None:
                raise not_allowed("left out without from_sequence", name="to_sequence")
            if self.to_sequence < self.from_sequence:
                raise not_allowed("at least from_sequence", name="to_sequence")
        return self


class WebhookEndpointResponse(ResponseModel):
    """A webhook endpoint, without its secret."""

    id: str = Field(examples=[_ENDPOINT_ID])
    url: str = Field(examples=[_URL])
    event_types: list[str] | None = Field(
        description="Which events are sent; null: all", examples=[["order.credited"]]
    )
    description: str | None = Field(examples=["shop, production"])
    created_at: Timestamp = Field(examples=["2026-01-11T12:46:01Z"])
    status: EndpointStatus = Field(examples=["enabled"])
    disabled_reason: DisabledReason | None = Field(
        description="`requested`; `gone`: it answered 410; `failing`: it failed for three days",
        examples=["failing"],
    )
    disabled_at: Timestamp | None = Field(examples=["2026-01-14T12:46:01Z"])
    failing_since: Timestamp | None = Field(
        description="Since when no attempt succeeded; null: the last one did, or there was none",
        examples=["2026-01-11T12:46:01Z"],
    )
    last_sequence: int = Field(
        description="The last event for which a delivery was made, or that is not among its types",
        examples=[42],
    )
    old_secret_until: Timestamp | None = Field(
        description="Until when the secret before the last rotation signs, too",
        examples=["2026-01-12T12:46:01Z"],
    )


class WebhookEndpointWithSecret(WebhookEndpointResponse):
    """A webhook endpoint with a secret that was just made."""

    secret: str = Field(
        description="Verify signatures with it (Standard Webhooks); it is shown only here",
        examples=["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwKlN5q2d3r4k="],
    )


class WebhookEndpointPage(PageResponse[WebhookEndpointResponse]):
    """Webhook endpoints, newest first."""


class WebhookDeliveryResponse(ResponseModel):
    """An event or a test for an endpoint, and what became of it."""

    id: str = Field(examples=[_DELIVERY_ID])
    webhook_id: str = Field(
        description="The header `webhook-id`: the same whenever this event is sent",
        examples=[_MESSAGE_ID],
    )
    event_type: str = Field(
        description="A type of events, or `webhook.test`", examples=["order.credited"]
    )
    sequence: int | None = Field(description="The event's; null: a test", examples=[42])
    status: DeliveryStatus = Field(
        description="`pending`: sent at `next_attempt_at`; `failed`: given up",
        examples=["delivered"],
    )
    created_at: Timestamp = Field(examples=["2026-01-11T12:46:03Z"])
    attempts: int = Field(description="Since it was last asked for", examples=[1])
    last_attempt_at: Timestamp | None = Field(examples=["2026-01-11T12:46:04Z"])
    next_attempt_at: Timestamp | None = Field(
        description="Null: it is delivered, or failed", examples=["2026-01-11T12:51:04Z"]
    )
    answer_status: int | None = Field(
        description="The HTTP status of the last answer; null: none came", examples=[200]
    )
    duration_ms: int | None = Field(
        description="How long the last attempt took, in milliseconds", examples=[120]
    )
    error: str | None = Field(
        description="For a person: why the last attempt failed",
        examples=["No whole answer within 10 seconds"],
    )


class WebhookDeliveryWithBodies(WebhookDeliveryResponse):
    """A delivery with what was sent, and what was last answered."""

    request_body: str = Field(description="To the byte", examples=[_EVENT])
    answer_body: str | None = Field(description="Its first 64 KiB; null: none yet", examples=["ok"])


class WebhookDeliveryPage(PageResponse[WebhookDeliveryResponse]):
    """Deliveries, newest first."""


class RedeliverResponse(ResponseModel):
    """What is on its way again."""

    deliveries: int = Field(description="How many", examples=[12])
    more_from: int | None = Field(
        description="One request takes 1,000 events: the `from_sequence` of the next; null: all are"
        " on their way",
        examples=[1042],
    )
