"""The errors of accounts: credentials, codes, users and throttles."""

from app.runtime.errors import AppError


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


class AccessCodeNotFound(AppError):
    """The access code never was, the caller may not see it, or it may no longer spend."""

    code = "access_code_not_found"
    status = 400

    def __init__(self) -> None:
        super().__init__("access_code not found")


class InvalidApiKey(AppError):
    """The X-API-KEY header is malformed, unknown, revoked, expired, or of a disabled user."""

    code = "invalid_api_key"
    status = 403

    def __init__(self) -> None:
        super().__init__("Invalid API key.")


class NotLoggedIn(AppError):
    """Neither an API key nor a living session."""

    code = "not_logged_in"
    status = 403

    def __init__(self, detail: str = "Credentials invalid or not provided. Please log in") -> None:
        super().__init__(detail)


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


class MissingScope(AppError):
    """The API key is limited to scopes among which this one is not."""

    code = "missing_scope"
    status = 403

    def __init__(self, scope: str) -> None:
        super().__init__(f"The API key lacks the scope {scope}")


class ReadOnlyKey(AppError):
    """The API key only reads, and this changes something."""

    code = "read_only_key"
    status = 403

    def __init__(self, scope: str) -> None:
        super().__init__(f"The API key is read-only, and this changes something of {scope}")


class AddressNotAllowed(AppError):
    """The API key is used from an address that is not on its allow-list."""

    code = "address_not_allowed"
    status = 403

    def __init__(self) -> None:
        super().__init__("The API key may not be used from this address")


class RotationNotAllowed(AppError):
    """An API key asked for a new secret of a key that it did not make."""

    code = "rotation_not_allowed"
    status = 403

    def __init__(self) -> None:
        super().__init__(
            "An API key may rotate itself and the keys that it made; log in to rotate another"
        )


class ApiKeyNotActive(AppError):
    """A key that is over gets no new secret."""

    code = "api_key_not_active"
    status = 409

    def __init__(self) -> None:
        super().__init__("The API key is revoked or expired and cannot be rotated")


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


class EmailTaken(AppError):
    """A user with this e-mail exists."""

    code = "email_taken"
    status = 409

    def __init__(self) -> None:
        super().__init__("email is already registered")


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


class TooManyStreams(AppError):
    """The account has as many requests waiting for events as one may have."""

    code = "too_many_streams"
    status = 429

    def __init__(self) -> None:
        super().__init__(
            "Too many requests of this account wait for events; end one, or try again later",
            headers={"Retry-After": "30"},
        )


class SelfStatusFault(AppError):
    """The caller's own account could not be read."""

    code = "4W9Y2"
    status = 500

    def __init__(self) -> None:
        super().__init__(
            "Failure to fetch user data. Please contact support with error code 4W9Y2."
        )
