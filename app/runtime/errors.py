"""The errors that every feature has, and what all errors share: a code, a status, a text.

Services raise them; `web/error_handlers.py` makes the body. Texts that the Credits API specifies
stand in the `errors.py` of each feature to the letter (docs/specifications.md).
"""

from collections.abc import Mapping
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


class NotFound(AppError):
    """No such path, or no such thing that the caller may see."""

    code = "not_found"
    status = 404

    def __init__(self, detail: str = "Not found") -> None:
        super().__init__(detail)


class IdempotencyKeyInFlight(AppError):
    """Another request with this Idempotency-Key has no answer yet."""

    code = "idempotency_key_in_flight"
    status = 409

    def __init__(self) -> None:
        super().__init__(
            "A request with this Idempotency-Key is in flight; try again soon",
            headers={"Retry-After": "1"},
        )


class IdempotencyKeyReused(AppError):
    """The Idempotency-Key came before, from the same account, with another body or order."""

    code = "idempotency_key_reused"
    status = 422

    def __init__(self, bound_to: str) -> None:
        super().__init__(f"Idempotency-Key was used with another {bound_to}")


class IdempotencyKeySealed(AppError):
    """The answer under this Idempotency-Key has a secret in it, and other credentials made it."""

    code = "idempotency_key_sealed"
    status = 409

    def __init__(self) -> None:
        super().__init__(
            "The answer to this Idempotency-Key has a secret; only the credentials that asked for"
            " it first can read it again"
        )


class InternalFault(AppError):
    """Something failed that has no text of its own."""

    code = "internal_fault"
    status = 500

    def __init__(self) -> None:
        super().__init__("Internal server error")


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
