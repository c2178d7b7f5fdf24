"""The body of every error, and how routers document their own."""

from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field

_MEANINGS: Final[dict[int, str]] = {
    400: "The request is not as described",
    402: "Too few credits",
    403: "The caller is not known, or may not do this",
    404: "No such thing that the caller may see",
    405: "The path has no such method",
    408: "The body came too slowly",
    409: "It conflicts with what is there",
    413: "The body is too large",
    415: "The body is not plain application/json",
    422: "The Idempotency-Key came before, with another body or order",
    429: "Too many attempts",
    500: "A fault of the service",
    503: "Not available at the moment; `code` says why: `database_away`, `busy`, `database_read_only`, or another where the endpoint needs more",
}
_RETRY_AFTER: Final[dict[str, Any]] = {
    "Retry-After": {
        "description": "Seconds to wait before the next attempt",
        "schema": {"type": "integer"},
    }
}
_RATE_LIMIT: Final[dict[str, Any]] = {
    "RateLimit-Policy": {
        "description": "Which failures are counted: how many (`q`) in how many seconds (`w`)",
        "schema": {"type": "string"},
        "example": '"bad-keys";q=20;w=60',
    },
    "RateLimit": {
        "description": "How many failures are left (`r`), and in how many seconds all are (`t`)",
        "schema": {"type": "string"},
        "example": '"bad-keys";r=0;t=42',
    },
}
_HEADERS: Final = {429: _RETRY_AFTER | _RATE_LIMIT, 503: _RETRY_AFTER}
_EXAMPLE_ID: Final = "0f8fad5bd9cb469fa16570867728950e"


class Fault(BaseModel):
    """What every error says beside its text."""

    model_config = ConfigDict(frozen=True)

    code: str = Field(
        description="For a program: stable, one per kind of error", examples=["missing_parameter"]
    )
    request_id: str = Field(
        description="The X-Request-ID of this answer: name it to support", examples=[_EXAMPLE_ID]
    )


class Problem(Fault):
    """An error."""

    detail: str = Field(
        description="For a person: what is wrong", examples=["Missing access_code parameter"]
    )


class OrderProblem(Fault):
    """An unhandled fault of `new_order`: its text stands under `error`."""

    error: str = Field(
        description="For a person: what is wrong", examples=["The order could not be processed"]
    )


def _document(status: int) -> dict[str, Any]:
    document: dict[str, Any] = {"model": Problem, "description": _MEANINGS[status]}
    if status in _HEADERS:
        document["headers"] = dict(_HEADERS[status])
    return document


def responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Document these error statuses, for `responses=` of a router or a route."""
    return {status: _document(status) for status in statuses}


def key_faults(*, others: bool) -> dict[int | str, dict[str, Any]]:
    """Document what an Idempotency-Key may run into; `others`: and there are other conflicts."""
    first = "A request with this Idempotency-Key is in flight"
    more = "; or it conflicts with what is there, without `Retry-After`" if others else ""
    return {
        409: {"model": Problem, "description": first + more, "headers": _RETRY_AFTER},
        **responses(422),
    }


# What `new_order` answers beside what all endpoints do.
ORDER_LIMIT: Final[dict[int | str, dict[str, Any]]] = {
    429: {
        "model": Problem,
        "description": "Too many attempts, or too many unpaid orders; the latter has no `RateLimit`",
        "headers": _RETRY_AFTER | _RATE_LIMIT,
    }
}
# What requests answer that wait for events.
EVENT_LIMIT: Final[dict[int | str, dict[str, Any]]] = {
    429: {
        "model": Problem,
        "description": "Too many attempts, or too many waiting requests; the latter has no"
        " `RateLimit`",
        "headers": _RETRY_AFTER | _RATE_LIMIT,
    }
}
ORDER_FAULT: Final[dict[int | str, dict[str, Any]]] = {
    500: {"model": Problem | OrderProblem, "description": "The order was not created"}
}
