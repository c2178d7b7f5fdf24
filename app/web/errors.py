"""The body of every error, and how routers document their own."""

from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field

# status: (what it means, the code and the text of an example)
_MEANINGS: Final[dict[int, tuple[str, str, str]]] = {
    400: ("The request is not as described", "missing_parameter", "Missing access_code parameter"),
    402: ("Too few credits", "insufficient_credits", "Insufficient credits"),
    403: ("The caller is not known, or may not do this", "invalid_api_key", "Invalid API key."),
    404: ("No such thing that the caller may see", "not_found", "Not found"),
    405: ("The path has no such method", "method_not_allowed", "Method not allowed; use POST"),
    408: (
        "The body came too slowly",
        "body_timeout",
        "The body must arrive within 10 seconds",
    ),
    409: ("It conflicts with what is there", "email_taken", "email is already registered"),
    413: ("The body is too large", "body_too_large", "The body must be at most 16384 bytes"),
    415: (
        "The body is not plain application/json",
        "unsupported_media_type",
        "Content-Type must be application/json",
    ),
    422: (
        "The Idempotency-Key came before, with another body or order",
        "idempotency_key_reused",
        "Idempotency-Key was used with another body",
    ),
    429: ("Too many attempts", "too_many_attempts", "Too many attempts; try again later"),
    500: ("A fault of the service", "internal_fault", "Internal server error"),
    503: (
        "Not available at the moment; `code` says why: `database_away`, `busy`,"
        " `database_read_only`, or another where the endpoint needs more",
        "database_away",
        "The database is not available; try again soon",
    ),
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


def _example(code: str, text: str, member: str = "detail") -> dict[str, str]:
    return {member: text, "code": code, "request_id": _EXAMPLE_ID}


def _document(status: int) -> dict[str, Any]:
    meaning, code, text = _MEANINGS[status]
    document: dict[str, Any] = {
        "model": Problem,
        "description": meaning,
        "content": {"application/json": {"example": _example(code, text)}},
    }
    if status in _HEADERS:
        document["headers"] = dict(_HEADERS[status])
    return document


def responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Document these error statuses, for `responses=` of a router or a route."""
    return {status: _document(status) for status in statuses}


_IN_FLIGHT: Final = (
    "idempotency_key_in_flight",
    "A request with this Idempotency-Key is in flight; try again soon",
)
Example = tuple[str, str]


def key_faults(*conflicts: Example) -> dict[int | str, dict[str, Any]]:
    """Document what an Idempotency-Key may run into, beside other conflicts: code and text."""
    first = "A request with this Idempotency-Key is in flight"
    others = "; or it conflicts with what is there, without `Retry-After`" if conflicts else ""
    return {
        409: {
            "model": Problem,
            "description": first + others,
            "headers": _RETRY_AFTER,
            "content": {
                "application/json": {
                    "examples": {
                        code: {"summary": text, "value": _example(code, text)}
                        for code, text in (*conflicts, _IN_FLIGHT)
                    }
                }
            },
        },
        **responses(422),
    }


NOT_CANCELLABLE: Final = (
    "order_not_cancellable",
    "An order that is PAID cannot be cancelled; only one that nobody paid can",
)
KEY_NOT_ACTIVE: Final = (
    "api_key_not_active",
    "The API key is revoked or expired and cannot be rotated",
)
EMAIL_TAKEN: Final = ("email_taken", "email is already registered")
SEALED: Final = (
    "idempotency_key_sealed",
    "The answer to this Idempotency-Key has a secret; only the credentials that asked for it first"
    " can read it again",
)
_TOO_MANY_OPEN_ORDERS: Final = (
    "At most 20 unpaid orders may be open at once, those of a user and its access codes together; "
    "pay one, or wait until one times out. An order in bitcoin that was cancelled counts until then"
)
# What `new_order` answers beside what all endpoints do.
ORDER_LIMIT: Final[dict[int | str, dict[str, Any]]] = {
    429: {
        "model": Problem,
        "description": "Too many attempts, or too many unpaid orders; the latter has no `RateLimit`",
        "headers": _RETRY_AFTER | _RATE_LIMIT,
        "content": {
            "application/json": {
                "examples": {
                    "attempts": {
                        "summary": "Too many attempts",
                        "value": _example(
                            "too_many_attempts", "Too many attempts; try again later"
                        ),
                    },
                    "open_orders": {
                        "summary": "The buyer has too many unpaid orders",
                        "value": _example("too_many_open_orders", _TOO_MANY_OPEN_ORDERS),
                    },
                }
            }
        },
    }
}
ORDER_FAULT: Final[dict[int | str, dict[str, Any]]] = {
    500: {
        "model": Problem | OrderProblem,
        "description": "The order was not created",
        "content": {
            "application/json": {
                "examples": {
                    "refused": {
                        "summary": "The database refused the order",
                        "value": _example("order_not_created", "Unable to create order"),
                    },
                    "unhandled": {
                        "summary": "Any other fault",
                        "value": _example(
                            "order_fault", "The order could not be processed", "error"
                        ),
                    },
                }
            }
        },
    }
}
