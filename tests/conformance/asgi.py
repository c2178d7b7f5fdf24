"""Requests without an HTTP client between: every byte of path, headers and body as it is written."""

import asyncio
import json
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from starlette.types import ASGIApp, Message, Scope

Header = tuple[bytes, bytes]


@dataclass
class HttpRequest:
    """A request, percent-encoded where it must be; the body comes in these chunks."""

    method: str
    path: str
    query: bytes = b""
    headers: list[Header] = field(default_factory=list)
    chunks: list[bytes] = field(default_factory=list)
    address: str = "127.0.0.1"


@dataclass(frozen=True)
class HttpAnswer:
    """What came back; header names are in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:  # noqa: ANN401  whatever JSON it is
        """Read the body as JSON."""
        return json.loads(self.body)


async def send(app: ASGIApp, request: HttpRequest) -> HttpAnswer:
    """Give a request to the application as uvicorn would, and collect the answer."""
    unsent, answered = list(request.chunks) or [b""], list[Message]()
    is_answered = asyncio.Event()

    async def receive() -> Message:
        if not unsent:  # whoever asked hangs up when all is answered
            await is_answered.wait()
            return {"type": "http.disconnect"}
        chunk = unsent.pop(0)
        return {"type": "http.request", "body": chunk, "more_body": bool(unsent)}

    async def collect(message: Message) -> None:
        answered.append(message)
        if message["type"] == "http.response.body" and not message.get("more_body", False):
            is_answered.set()

    await app(_scope(request), receive, collect)
    start, *rest = answered
    return HttpAnswer(
        start["status"],
        {
            name.decode("latin-1").lower(): value.decode("latin-1")
            for name, value in start["headers"]
        },
        b"".join(message.get("body", b"") for message in rest),
    )


def _scope(request: HttpRequest) -> Scope:
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": request.method,
        "scheme": "http",
        "path": unquote(request.path),
        "raw_path": request.path.encode("ascii"),
        "query_string": request.query,
        "root_path": "",
        "headers": request.headers,
        "client": (request.address, 40000),
        "server": ("127.0.0.1", 8000),
        "state": {},
    }
