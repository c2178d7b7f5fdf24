"""Every error that the API may answer, typed from the Credits API and docs/api.md to the letter.

Where they give a text, it is theirs; codes, and the texts that they leave open, are a promise of
this API and stand here so that changing one is a decision.
"""

from typing import Final

from tests.api.asking import Problem


def missing(name: str) -> Problem:
    """A required parameter that is absent, null, an empty string or an empty list."""
    return Problem(400, "missing_parameter", f"Missing {name} parameter")


def must_be(name: str, allowed: str) -> Problem:
    """A parameter of the wrong type, out of range, or of something that is not offered."""
    return Problem(400, "invalid_parameter", f"{name} must be {allowed}")


def malformed(detail: str) -> Problem:
    """A body that is not one JSON object."""
    return Problem(400, "malformed_body", detail)


def not_allowed(methods: str) -> Problem:
    """A method that the path does not have."""
    return Problem(405, "method_not_allowed", f"Method not allowed; use {methods}")


def missing_scope(scope: str) -> Problem:
    """A key that is limited to other scopes."""
    return Problem(403, "missing_scope", f"The API key lacks the scope {scope}")


def read_only_key(scope: str) -> Problem:
    """A key that only reads, where something is changed."""
    return Problem(
        403, "read_only_key", f"The API key is read-only, and this changes something of {scope}"
    )


def unknown_query(*names: str) -> Problem:
    """A query with a name that the endpoint does not know, or with one twice."""
    if not names:
        return Problem(400, "unknown_query_parameter", "The query must be empty")
    known = ", ".join(names)
    text = f"The query may have, once each, only: {known}"
    return Problem(400, "unknown_query_parameter", text)


def reference_taken(order_id: str) -> Problem:
    """An order whose reference is to be unique and is not."""
    return Problem(
        409,
        "client_reference_taken",
        f"client_reference must be unique, and the order {order_id} has it",
    )


def too_many_open_orders(limit: int) -> Problem:
    """An order of somebody who has as many unpaid ones as allowed."""
    return Problem(
        429,
        "too_many_open_orders",
        f"At most {limit} unpaid orders may be open at once, those of a user and its access codes together; "
        "pay one, or wait until one times out. An order in bitcoin that was cancelled counts until then",
    )


INVALID_ACCESS_CODE: Final = Problem(400, "invalid_access_code", "Invalid access code")
ACCESS_CODE_MISMATCH: Final = Problem(400, "access_code_mismatch", "Invalid access_code")
INVALID_ORDER_ID: Final = Problem(400, "invalid_order_id", "Invalid order_id")
ACCESS_CODE_NOT_FOUND: Final = Problem(400, "access_code_not_found", "access_code not found")
INSUFFICIENT_CREDITS: Final = Problem(402, "insufficient_credits", "Insufficient credits")
INVALID_API_KEY: Final = Problem(403, "invalid_api_key", "Invalid API key.")
LOG_IN_TO_ORDER: Final = Problem(403, "not_logged_in", "Invalid credentials. Please log in")
LOG_IN: Final = Problem(403, "not_logged_in", "Credentials invalid or not provided. Please log in")
WRONG_PASSWORD: Final = Problem(403, "wrong_password", "Invalid credentials. Please log in")
USER_NOT_IDENTIFIED: Final = Problem(403, "user_not_identified", "User not identified by APIKey")
ADDRESS_NOT_ALLOWED: Final = Problem(
    403, "address_not_allowed", "The API key may not be used from this address"
)
ROTATION_NOT_ALLOWED: Final = Problem(
    403,
    "rotation_not_allowed",
    "An API key may rotate itself and the keys that it made; log in to rotate another",
)
API_KEY_NOT_ACTIVE: Final = Problem(
    409, "api_key_not_active", "The API key is revoked or expired and cannot be rotated"
)
USERS_ONLY: Final = Problem(403, "users_only", "Only users may do this")
BUYER_ONLY: Final = Problem(403, "buyer_only", "Only the buyer of an order may do this")
REGISTRATION_CLOSED: Final = Problem(403, "registration_closed", "Registration is closed")
NOT_FOUND: Final = Problem(404, "not_found", "Not found")
API_KEY_NOT_FOUND: Final = Problem(404, "not_found", "api_key not found")
ORDER_NOT_FOUND: Final = Problem(404, "not_found", "order_id not found")
ASSESSMENT_NOT_FOUND: Final = Problem(404, "not_found", "assessment_id not found")
NOT_SIGNED: Final = Problem(404, "not_found", "This server signs no receipts")
NO_ASSESSMENTS_FOUND: Final = Problem(404, "no_assessments_found", "No assessments found")
PAID_NOT_CANCELLABLE: Final = Problem(
    409,
    "order_not_cancellable",
    "An order that is PAID cannot be cancelled; only one that nobody paid can",
)
EMAIL_TAKEN: Final = Problem(409, "email_taken", "email is already registered")
ASSESSMENT_PENDING: Final = Problem(
    409, "assessment_not_ready", "The assessment is pending and has no answer"
)
ASSESSMENT_FAILED: Final = Problem(
    409, "assessment_not_ready", "The assessment is failed and has no answer"
)
KEY_OF_ANOTHER_ORDER: Final = Problem(
    422, "idempotency_key_reused", "Idempotency-Key was used with another order"
)
KEY_IN_FLIGHT: Final = Problem(
    409,
    "idempotency_key_in_flight",
    "A request with this Idempotency-Key is in flight; try again soon",
)
KEY_REUSED: Final = Problem(
    422, "idempotency_key_reused", "Idempotency-Key was used with another body"
)
KEY_SEALED: Final = Problem(
    409,
    "idempotency_key_sealed",
    "The answer to this Idempotency-Key has a secret; only the credentials that asked for it first "
    "can read it again",
)
WEBHOOK_ENDPOINT_NOT_FOUND: Final = Problem(404, "not_found", "webhook_endpoint not found")
WEBHOOK_DELIVERY_NOT_FOUND: Final = Problem(404, "not_found", "webhook_delivery not found")
TOO_MANY_WEBHOOK_ENDPOINTS: Final = Problem(
    409,
    "too_many_webhook_endpoints",
    "An account has at most 16 webhook endpoints; delete one first",
)
WEBHOOK_ENDPOINT_DISABLED: Final = Problem(
    409,
    "webhook_endpoint_disabled",
    'The webhook endpoint is disabled; enable it first, by a PATCH with {"enabled": true}',
)
TOO_MANY_STREAMS: Final = Problem(
    429,
    "too_many_streams",
    "Too many requests of this account wait for events; end one, or try again later",
)
TOO_MANY_ATTEMPTS: Final = Problem(429, "too_many_attempts", "Too many attempts; try again later")
BODY_TOO_LARGE: Final = Problem(413, "body_too_large", "The body must be at most 16384 bytes")
LIST_TOO_LARGE: Final = Problem(413, "body_too_large", "The body must be at most 262144 bytes")
NOT_JSON: Final = Problem(415, "unsupported_media_type", "Content-Type must be application/json")
INTERNAL_FAULT: Final = Problem(500, "internal_fault", "Internal server error")
ORDER_NOT_CREATED: Final = Problem(500, "order_not_created", "Unable to create order")
ORDER_FAULT: Final = Problem(500, "order_fault", "The order could not be processed", "error")
SELF_STATUS_FAULT: Final = Problem(
    500,
    "4W9Y2",
    "Failure to fetch user data. Please contact support with error code 4W9Y2.",
)
LIST_FAULT: Final = Problem(
    500,
    "KY53D",
    "Failure to fetch user data. Please contact support with error code KY53D and the current "
    "time: 2026-01-11 12:46:03.",
)
ASSESSMENT_FAULT: Final = Problem(
    500,
    "4J9Y1",
    "Failure to create new assessment. Please contact support with error code 4J9Y1. "
    "Error: internal fault",
)
ASSESSMENT_REFUSED: Final = Problem(
    500,
    "4J9Y1",
    "Failure to create new assessment. Please contact support with error code 4J9Y1. "
    "Error: the risk provider refused the question",
)
DATABASE_AWAY: Final = Problem(
    503, "database_away", "The database is not available; try again soon"
)
BUSY: Final = Problem(503, "busy", "Too much is asked at the moment; try again soon")
DATABASE_READ_ONLY: Final = Problem(
    503, "database_read_only", "The database takes no changes at the moment; try again soon"
)
UPSTREAM_UNKNOWN: Final = Problem(
    503,
    "upstream_unknown",
    "AEON.to's limits and price are not known at the moment; try again soon",
)
LISTS_NOT_IN_FORCE: Final = Problem(
    503,
    "lists_not_in_force",
    "No assessment is sold without the required lists: OFAC SDN is not in force; try again later",
)
