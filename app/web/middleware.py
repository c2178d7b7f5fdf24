"""What every request has: HEAD where there is GET, no copies of what is private, bounded waits."""

from typing import Final

from fastapi import FastAPI
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.runtime.db.pool import waiting_as_one_request

NO_STORE: Final = {"Cache-Control": "no-store"}
_IS_HEAD: Final = "assay.is_head"
_NO_STORE_BYTES: Final = tuple(
    (name.lower().encode(), value.encode()) for name, value in NO_STORE.items()
)
# What belongs to one caller, or to whoever has a link.
_PRIVATE: Final = ("/api/", "/pay/")
# Beside them, what is true only at the moment; documents and public keys may be kept.
_MOMENTARY: Final = frozenset({"/api", "/healthz", "/readyz", "/metrics"})


def install(app: FastAPI) -> None:
    """Add the middlewares. What is added before stands inside them: install error handlers first."""
    app.add_middleware(ConnectionWaitMiddleware)
    app.add_middleware(HeadMiddleware)
    app.add_middleware(NoStoreMiddleware)


class HeadMiddleware:
    """Answers HEAD like GET, but without the body (RFC 9110, section 9.3.2).

    A route of FastAPI takes the methods that it names and no other.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "HEAD":
            await self._app(scope, receive, send)
            return

        async def send_without_body(message: Message) -> None:
            if message["type"] == "http.response.body":
                message = {**message, "body": b""}
            await send(message)

        inner = {**scope, "method": "GET", _IS_HEAD: True}
        try:
            await self._app(inner, receive, send_without_body)
        finally:  # the log and the metrics read the route
            scope.update(inner, method="HEAD")


def is_head(scope: Scope) -> bool:
    """Say whether nobody reads the body of the answer, so that a stream may end at once."""
    return _IS_HEAD in scope


class ConnectionWaitMiddleware:
    """Bounds what a request of the API, or of a page, waits for connections to the database, all in all.

    Signs of life are not bounded by it, and so go before requests that are new.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not scope["path"].startswith(_PRIVATE):
            await self._app(scope, receive, send)
            return
        with waiting_as_one_request():
            await self._app(scope, receive, send)


class NoStoreMiddleware:
    """Forbids browsers and proxies to keep what is private (RFC 9111, section 5.2.2.5).

    Every answer under /api and /pay has the header, the errors too: most hold what belongs to one
    caller.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not _is_private(scope["path"]):
            await self._app(scope, receive, send)
            return

        async def send_with_header(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), *_NO_STORE_BYTES]
            await send(message)

        await self._app(scope, receive, send_with_header)


def _is_private(path: str) -> bool:
    return path.startswith(_PRIVATE) or path in _MOMENTARY
