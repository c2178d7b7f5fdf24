"""The catalogue of errors: each a class with a stable code, a status and a text for its reader.

Services raise them; one handler in `web/error_handlers.py` makes the body. Texts that the
Credits API specifies stand here to the letter (docs/specifications.md).
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import ClassVar


class AppError(Exception):
    """An answer other than success: `detail` is for a person, `code` for a program."""

    code: ClassVar[str]
    status: ClassVar[int]
    member: ClassVar[str] = "detail"  # the name of the text in the body

    def __init__(self, detail: str, *, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.headers = dict(headers or {})


# 400: the request


class MissingParameter(AppError):
    """A required parameter is absent, null, an empty string or an empty list."""

    code = "missing_parameter"
    status = 400

    def __init__(self, name: str) -> None:
        super().__init__(f"Missing {name} parameter")


class InvalidParameter(AppError):
    """A parameter has the wrong type, is out of range, or asks for what is not offered."""

    code = "invalid_parameter"
    status = 400

    def __init__(self, name: str, allowed: str) -> None:
        super().__init__(f"{name} must be {allowed}")


class MalformedRequest(AppError):
    """What was sent is not HTTP/1.1, so no endpoint is known."""

    code = "malformed_request"
    status = 400

    def __init__(self) -> None:
        super().__init__("The request is not valid HTTP/1.1")


class MalformedBody(AppError):
    """The body is not one JSON object that the strict reader accepts."""

    code = "malformed_body"
    status = 400


class InvalidAccessCode(AppError):
    """The access code of an order is unknown, expired or inactive."""

    code = "invalid_access_code"
    status = 400

    def __init__(self) -> None:
        super().__init__("Invalid access code")


class AccessCodeMismatch(AppError):
    """The access code in the body is not the one that the API key is bound to."""

    code = "access_code_mismatch"
    status = 400

    def __init__(self) -> None:
        super().__init__("Invalid access_code")


class InvalidOrderId(AppError):
    """The order never was, or the caller may not see it."""

    code = "invalid_order_id"
    status = 400

    def __init__(self) -> None:
        super().__init__("Invalid order_id")


class AccessCodeNotFound(AppError):
    """The access code never was, the caller may not see it, or it may no longer spend."""

    code = "access_code_not_found"
    status = 400

    def __init__(self) -> None:
        super().__init__("access_code not found")


# 402 to 415: the caller, its money, and things that are not there


class InsufficientCredits(AppError):
    """The account holds fewer credits than the call costs."""

    code = "insufficient_credits"
    status = 402

    def __init__(self) -> None:
        super().__init__("Insufficient credits")


class InvalidApiKey(AppError):
    """The X-API-KEY header is malformed, unknown, revoked, expired, or of a disabled user."""

    code = "invalid_api_key"
    status = 403

    def __init__(self) -> None:
        super().__init__("Invalid API key.")


class NotLoggedIn(AppError):
    """Neither an API key nor a living session; the text is the endpoint's own."""

    code = "not_logged_in"
    status = 403


class WrongPassword(AppError):
    """The e-mail is unknown or the password is not its own."""

    code = "wrong_password"
    status = 403

    def __init__(self) -> None:
        super().__init__("Invalid credentials. Please log in")


class UserNotIdentified(AppError):
    """The API key is valid but bound to no account."""

    code = "user_not_identified"
    status = 403

    def __init__(self) -> None:
        super().__init__("User not identified by APIKey")


class UsersOnly(AppError):
    """An access code asked for what only a user may do."""

    code = "users_only"
    status = 403

    def __init__(self) -> None:
        super().__init__("Only users may do this")


class BuyerOnly(AppError):
    """Somebody who may see an order, and did not buy it, asked to cancel it."""

    code = "buyer_only"
    status = 403

    def __init__(self) -> None:
        super().__init__("Only the buyer of an order may do this")


class RegistrationClosed(AppError):
    """ASSAY_OPEN_REGISTRATION is false."""

    code = "registration_closed"
    status = 403

    def __init__(self) -> None:
        super().__init__("Registration is closed")


class NotFound(AppError):
    """No such path, or no such thing that the caller may see."""

    code = "not_found"
    status = 404

    def __init__(self, detail: str = "Not found") -> None:
        super().__init__(detail)


class NoAssessmentsFound(AppError):
    """None of the assessment ids belongs to the access code."""

    code = "no_assessments_found"
    status = 404

    def __init__(self) -> None:
        super().__init__("No assessments found")


class MethodNotAllowed(AppError):
    """The path exists, the method does not."""

    code = "method_not_allowed"
    status = 405

    def __init__(self, allow: str) -> None:
        super().__init__(f"Method not allowed; use {allow}", headers={"Allow": allow})


class BodyTimeout(AppError):
    """The body took longer than 10 s to arrive."""

    code = "body_timeout"
    status = 408

    def __init__(self, seconds: float) -> None:
        super().__init__(
            f"The body must arrive within {seconds:g} seconds", headers={"Connection": "close"}
        )


class HeadTimeout(AppError):
    """The first line and the headers of a request came too slowly."""

    code = "head_timeout"
    status = 408

    def __init__(self, seconds: float) -> None:
        super().__init__(f"The headers must arrive within {seconds:g} seconds")


class EmailTaken(AppError):
    """A user with this e-mail exists."""

    code = "email_taken"
    status = 409

    def __init__(self) -> None:
        super().__init__("email is already registered")


class OrderNotSettled(AppError):
    """An operator asked for a settlement that the order's state does not allow."""

    code = "order_not_settled"
    status = 409

    def __init__(self, order_status: str) -> None:
        super().__init__(f"An order that is {order_status} cannot be settled that way")


class OrderNotCancellable(AppError):
    """The order was paid, in part at least, or is over."""

    code = "order_not_cancellable"
    status = 409

    def __init__(self, order_status: str) -> None:
        super().__init__(
            f"An order that is {order_status} cannot be cancelled; only one that nobody paid can"
        )


class AssessmentNotReady(AppError):
    """There is no receipt or report of an assessment that has no answer."""

    code = "assessment_not_ready"
    status = 409

    def __init__(self, assessment_status: str) -> None:
        super().__init__(f"The assessment is {assessment_status} and has no answer")


class IdempotencyKeyInFlight(AppError):
    """Another request with this Idempotency-Key has no answer yet."""

    code = "idempotency_key_in_flight"
    status = 409

    def __init__(self) -> None:
        super().__init__(
            "A request with this Idempotency-Key is in flight; try again soon",
            headers={"Retry-After": "1"},
        )


class BodyTooLarge(AppError):
    """The body has more bytes than the endpoint takes."""

    code = "body_too_large"
    status = 413

    def __init__(self, limit_bytes: int) -> None:
        super().__init__(
            f"The body must be at most {limit_bytes} bytes", headers={"Connection": "close"}
        )


class UnsupportedMediaType(AppError):
    """The content type is not application/json, or the body is compressed."""

    code = "unsupported_media_type"
    status = 415

    def __init__(self, detail: str = "Content-Type must be application/json") -> None:
        super().__init__(detail)


# 422: nothing but this


class IdempotencyKeyReused(AppError):
    """The Idempotency-Key came before, from the same account, with another body or order."""

    code = "idempotency_key_reused"
    status = 422

    def __init__(self, bound_to: str) -> None:
        super().__init__(f"Idempotency-Key was used with another {bound_to}")


# 429: guessing, and orders that nobody pays


class TooManyAttempts(AppError):
    """Somebody failed too often in one minute, and this attempt was no success either.

    The headers are those of the IETF's draft-ietf-httpapi-ratelimit-headers; all times in seconds.
    """

    code = "too_many_attempts"
    status = 429

    def __init__(self, throttle: str, *, quota: int, window: int, wait: int) -> None:
        super().__init__(
            "Too many attempts; try again later",
            headers={
                "Retry-After": str(wait),
                "RateLimit-Policy": f'"{throttle}";q={quota};w={window}',
                "RateLimit": f'"{throttle}";r=0;t={wait}',
            },
        )


class TooManyOpenOrders(AppError):
    """The buyer has as many open unpaid orders as it may have; `wait`: seconds until one counts no more."""

    code = "too_many_open_orders"
    status = 429

    def __init__(self, limit: int, *, wait: int) -> None:
        super().__init__(
            f"At most {limit} unpaid orders may be open at once, those of a user and its access codes"
            " together; pay one, or wait until one times out. An order in bitcoin that was cancelled"
            " counts until then",
            headers={"Retry-After": str(wait)},
        )


# 500: our own faults, with the texts that the Credits API gives them


class HeadTooLarge(AppError):
    """The first line and the headers of a request are too large together."""

    code = "head_too_large"
    status = 431

    def __init__(self, limit_bytes: int) -> None:
        super().__init__(f"The headers must be at most {limit_bytes} bytes")


class InternalFault(AppError):
    """Something failed that has no text of its own."""

    code = "internal_fault"
    status = 500

    def __init__(self) -> None:
        super().__init__("Internal server error")


class OrderNotCreated(AppError):
    """The database refused the insert of an order."""

    code = "order_not_created"
    status = 500

    def __init__(self) -> None:
        super().__init__("Unable to create order")


class OrderFault(AppError):
    """Any other fault of `new_order`; its text stands under `error`, as specified."""

    code = "order_fault"
    status = 500
    member = "error"

    def __init__(self) -> None:
        super().__init__("The order could not be processed")


class AssessmentListFault(AppError):
    """The assessments of an access code could not be read."""

    code = "KY53D"
    status = 500

    def __init__(self, now: datetime) -> None:
        super().__init__(
            "Failure to fetch user data. Please contact support with error code KY53D and the "
            f"current time: {now.astimezone(UTC):%Y-%m-%d %H:%M:%S}."
        )


class SelfStatusFault(AppError):
    """The caller's own account could not be read."""

    code = "4W9Y2"
    status = 500

    def __init__(self) -> None:
        super().__init__(
            "Failure to fetch user data. Please contact support with error code 4W9Y2."
        )


class AssessmentFault(AppError):
    """An assessment could not be made; what was debited is refunded."""

    code = "4J9Y1"
    status = 500

    def __init__(self, description: str = "internal fault") -> None:
        super().__init__(
            "Failure to create new assessment. Please contact support with error code 4J9Y1. "
            f"Error: {description}"
        )


# 503: try again later


class DatabaseAway(AppError):
    """The database does not answer."""

    code = "database_away"
    status = 503

    def __init__(self) -> None:
        super().__init__(
            "The database is not available; try again soon", headers={"Retry-After": "5"}
        )


class DatabaseBusy(AppError):
    """The database is there, and has no connection, lock or memory to spare for this request."""

    code = "busy"
    status = 503

    def __init__(self) -> None:
        super().__init__(
            "Too much is asked at the moment; try again soon", headers={"Retry-After": "1"}
        )


class DatabaseReadOnly(AppError):
    """The database answers, and takes no changes."""

    code = "database_read_only"
    status = 503

    def __init__(self) -> None:
        super().__init__(
            "The database takes no changes at the moment; try again soon",
            headers={"Retry-After": "5"},
        )


class ListsNotInForce(AppError):
    """A list that the operator wants in force was never imported."""

    code = "lists_not_in_force"
    status = 503

    def __init__(self, names: Sequence[str]) -> None:
        super().__init__(
            f"No assessment is sold without the required lists: {', '.join(names)} is not in"
            " force; try again later",
            headers={"Retry-After": "300"},
        )


class UpstreamUnknown(AppError):
    """What AEON.to offers was last learnt too long ago."""

    code = "upstream_unknown"
    status = 503

    def __init__(self) -> None:
        super().__init__(
            "AEON.to's limits and price are not known at the moment; try again soon",
            headers={"Retry-After": "30"},
        )
