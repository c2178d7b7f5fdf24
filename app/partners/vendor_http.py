"""Requests to vendors over HTTP: one request, one reply or one failure, within a total deadline.

It never tries twice: whether and when to ask again is its caller's to decide. What else bounds a
request here: what `app.partners.http` says.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, TypeVar
from urllib.parse import urlsplit

import httpx

from app.partners.failures import (
    AnswerLost,
    DeadlinePassed,
    InvalidResponse,
    PartnerFailure,
    Unreachable,
)
from app.partners.http import open_connections, receive
from app.partners.strict_json import JsonObject, Unreadable, check_json_type, read_json_object
from app.runtime.clock import Clock

MAX_CONNECTIONS: Final = 8
# Less than a request of ours may take, so that what is unknown is known to be so in time.
CALL_DEADLINE_SECONDS: Final = 7.0

Observe = Callable[[str, str, float], None]
T = TypeVar("T")


@dataclass(frozen=True)
class Body:
    """What is sent; its content type is one of JSON or of a form."""

    content: bytes
    content_type: str


@dataclass(frozen=True)
class Reply:
    """What came back; `body` is cut one byte after `max_body_bytes`."""

    http_status: int
    content_type: str
    content_encoding: str
    body: bytes
    max_body_bytes: int

    def json_object(self) -> JsonObject:
        """Read the body as the one JSON object that it is. Raises Unreadable."""
        check_json_type(self.content_type)
        if self.content_encoding:
            raise Unreadable("the body is compressed, which was not asked for")
        if len(self.body) > self.max_body_bytes:
            raise Unreadable(f"the body has more than {self.max_body_bytes} bytes")
        return read_json_object(self.body)


class VendorHttp:
    """What lies below the base URL of one vendor. `headers` may hold a key: they are never shown.

    `observe` is told the endpoint, the outcome ("ok", or the label of the failure) and the
    seconds that it took.
    """

    def __init__(
        self,
        base_url: str,
        headers: Mapping[str, str],
        *,
        clock: Clock,
        observe: Observe | None = None,
        deadline_seconds: float = CALL_DEADLINE_SECONDS,
    ) -> None:
        self._base_url = base_url if base_url.endswith("/") else f"{base_url}/"
        self.host = urlsplit(base_url).hostname or ""
        self._headers = dict(headers)
        self._clock = clock
        self._observe = observe
        self._deadline_seconds = deadline_seconds
        self._http = open_connections(
            accept="application/json", most=MAX_CONNECTIONS, transport=None
        )

    async def aclose(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def ask(
        self,
        endpoint: str,
        path: str,
        reader: Callable[[Reply], T],
        *,
        body: Body | None = None,
        max_body_bytes: int,
    ) -> T:
        """POST a body to a path, or GET it without one, and return what the reader makes of it.

        `endpoint` is its name in failures. `reader` raises Unreadable or a PartnerFailure. Raises
        subclasses of PartnerFailure.
        """
        started = self._clock.monotonic()
        outcome = "cancelled"
        try:
            reply = await self._in_time(endpoint, path, body, max_body_bytes)
            result = _read(endpoint, reply, reader)
        except PartnerFailure as failure:
            outcome = failure.label
            raise
        else:
            outcome = "ok"
            return result
        finally:
            if self._observe:
                self._observe(endpoint, outcome, self._clock.monotonic() - started)

    async def _in_time(
        self, endpoint: str, path: str, body: Body | None, max_body_bytes: int
    ) -> Reply:
        try:
            async with asyncio.timeout(self._deadline_seconds):
                return await self._exchange(endpoint, path, body, max_body_bytes)
        except TimeoutError:
            raise DeadlinePassed(endpoint) from None

    async def _exchange(
        self, endpoint: str, path: str, body: Body | None, max_body_bytes: int
    ) -> Reply:
        headers = self._headers
        if body is not None:
            headers = {**headers, "Content-Type": body.content_type}
        request = self._http.build_request(
            "GET" if body is None else "POST",
            f"{self._base_url}{path}",
            content=None if body is None else body.content,
            headers=headers,
        )
        try:
            response = await self._http.send(request, stream=True)
            return Reply(
                http_status=response.status_code,
                content_type=response.headers.get("Content-Type", ""),
                content_encoding=response.headers.get("Content-Encoding", ""),
                body=await receive(response, max_body_bytes),
                max_body_bytes=max_body_bytes,
            )
        except httpx.ConnectError:
            raise Unreachable(endpoint) from None
        except (httpx.RequestError, OSError):  # a few of the socket's own come through unwrapped
            raise AnswerLost(endpoint) from None


def _read(endpoint: str, reply: Reply, reader: Callable[[Reply], T]) -> T:
    try:
        return reader(reply)
    except Unreadable as fault:
        raise InvalidResponse(endpoint, http_status=reply.http_status, detail=str(fault)) from None
