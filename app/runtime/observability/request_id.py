"""Gives every request an id, a log line and a place in the metrics. Pure ASGI."""

import re
import secrets
import time
from collections.abc import Callable, Iterable
from typing import Any, Final

from fastapi.routing import iter_route_contexts
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.runtime.observability.logging import current_request_id, get_logger
from app.runtime.observability.metrics import Metrics

HEADER: Final = "X-Request-ID"
_HEADER_BYTES: Final = HEADER.lower().encode()
UNMATCHED: Final = "unmatched"
_STATE_KEY: Final = "request_id"
# When a stream began, by `time.perf_counter`: how long it then lasts says nothing of the service.
STREAM_BEGAN: Final = "stream_began"
_WELL_FORMED: Final = re.compile(rb"[A-Za-z0-9._-]{1,64}")
# An access code, a key or an id within a path: shown by its first four characters.
_LONG_WORD: Final = re.compile(r"([A-Za-z0-9]{4})[A-Za-z0-9]{6,}")
_MAX_PATH_LENGTH: Final = 200


def request_id_of(scope: Scope) -> str:
    """Return the id of this request; empty if it came past the middleware."""
    request_id: str = scope.get("state", {}).get(_STATE_KEY, "")
    return request_id


class RequestIdMiddleware:
    """The outermost layer: what it adds reaches every answer, 404 and 500 included.

    An X-Request-ID of 1 to 64 letters, digits, dots, underscores and hyphens is kept; otherwise
    one is made. Logs of the request carry it.
    """

    def __init__(
        self, app: ASGIApp, *, metrics: Metrics, seconds: Callable[[], float] = time.perf_counter
    ) -> None:
        self._app = app
        self._metrics = metrics
        self._seconds = seconds
        self._templates: dict[Any, str] = {}
        self._log = get_logger("app.access").bind()  # bound once: half the cost

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = self._seconds()
        request_id = _sent_id(scope["headers"]) or secrets.token_hex(16)
        scope.setdefault("state", {})[_STATE_KEY] = request_id
        id_bytes = request_id.encode()
        status = 500

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message.get("headers", ()), (_HEADER_BYTES, id_bytes)]
            await send(message)

        token = current_request_id.set(request_id)
        try:
            await self._app(scope, receive, send_with_id)
        finally:
            ended = self._seconds()
            answered = scope["state"].get(STREAM_BEGAN, ended)
            self._report(scope, status, answered - started, ended - started)
            current_request_id.reset(token)

    def _report(
        self, scope: Scope, status: int, answered_seconds: float, all_seconds: float
    ) -> None:
        route = self._template(scope)
        self._metrics.observe_request(scope["method"], route, status, answered_seconds)
        path = {"path": _shortened(scope["path"])} if route == UNMATCHED else {}
        self._log.info(
            "request",
            method=scope["method"],
            route=route,
            **path,
            status=status,
            milliseconds=round(all_seconds * 1000, 2),
        )

    def _template(self, scope: Scope) -> str:
        endpoint = scope.get("endpoint")
        if endpoint is None:
            return UNMATCHED
        if endpoint not in self._templates:
            self._templates = {endpoint: UNMATCHED, **_templates(scope["app"].routes)}
        return self._templates[endpoint]


def _sent_id(headers: Iterable[tuple[bytes, bytes]]) -> str | None:
    for name, value in headers:
        if name == _HEADER_BYTES:
            return value.decode() if _WELL_FORMED.fullmatch(value) else None
    return None


def _templates(routes: Any) -> dict[Any, str]:  # noqa: ANN401
    """Map each endpoint to its path with the parameters' names in place of their values.

    A function serves one path: its name is the operation's id.
    """
    return {
        context.endpoint or getattr(context.route, "app", None): context.path_format or UNMATCHED
        for context in iter_route_contexts(routes)
    }


def _shortened(path: str) -> str:
    return _LONG_WORD.sub(r"\1…", path[:_MAX_PATH_LENGTH])
