"""The errors of requests that no router reads: heads, bodies and methods."""

from collections.abc import Collection

from app.runtime.errors import AppError


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


class UnknownQueryParameter(AppError):
    """The query has a name that the endpoint does not know, or one twice."""

    code = "unknown_query_parameter"
    status = 400

    def __init__(self, allowed: Collection[str]) -> None:
        names = ", ".join(sorted(allowed))
        super().__init__(
            f"The query may have, once each, only: {names}" if names else "The query must be empty"
        )


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


class HeadTooLarge(AppError):
    """The first line and the headers of a request are too large together."""

    code = "head_too_large"
    status = 431

    def __init__(self, limit_bytes: int) -> None:
        super().__init__(f"The headers must be at most {limit_bytes} bytes")
