"""Every answer that a test gets is one that the OpenAPI document has: its status, and its code."""

import json
from functools import cache
from pathlib import Path
from typing import Any, Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

_DOCUMENT: Final = Path(__file__).parents[2] / "docs" / "openapi.json"
_CLIENT_CLOSED_REQUEST: Final = 499  # nobody is there to read it

Documented = dict[tuple[str, str], dict[int, set[str]]]


@cache
def documented() -> Documented:
    """Return the codes of errors by the path, the method and the status that have them."""
    paths: dict[str, dict[str, Any]] = json.loads(_DOCUMENT.read_text("utf-8"))["paths"]
    return {
        (path, method.upper()): {
            int(status): _codes_of(response) for status, response in operation["responses"].items()
        }
        for path, methods in paths.items()
        for method, operation in methods.items()
    }


def _codes_of(response: dict[str, Any]) -> set[str]:
    examples = response.get("content", {}).get("application/json", {}).get("examples", {})
    return {example.get("$ref", "").rpartition("/")[2] for example in examples.values()}


class DocumentedAnswers:
    """Middleware that notes in `undocumented` what is answered and is not in the document."""

    def __init__(self, app: ASGIApp, undocumented: set[str]) -> None:
        self._app = app
        self._undocumented = undocumented

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status, body = 0, b""

        async def watch(message: Message) -> None:
            nonlocal status, body
            if message["type"] == "http.response.start":
                status = int(message["status"])
            elif status >= 400:
                body += message.get("body", b"")
            await send(message)

        await self._app(scope, receive, watch)
        self._judge(scope, status, body)

    def _judge(self, scope: Scope, status: int, body: bytes) -> None:
        method = "GET" if scope["method"] == "HEAD" else scope["method"]
        path = getattr(scope.get("route"), "path", None)
        known = documented().get((path or "", method))
        if known is None or status == _CLIENT_CLOSED_REQUEST:
            return
        if status not in known:
            self._undocumented.add(f"{method} {path}: {status}")
        elif status >= 400 and scope["method"] != "HEAD":
            code = json.loads(body)["code"]
            if code not in known[status]:
                self._undocumented.add(f"{method} {path}: {status} {code}")
