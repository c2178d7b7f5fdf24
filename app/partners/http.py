"""The bounded HTTP client of all partners: one request, one result or one failure.

No redirects, no proxies from the environment, no compression, no more of an answer than it may
have, and a total deadline, which httpx has none of. It never tries twice: whether and when to ask
again is for its callers.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any, Final, Protocol, TypeVar
from urllib.parse import urlsplit

import httpx

from app.partners.failures import (
    AnswerLost,
    DeadlinePassed,
    InvalidResponse,
    PartnerFailure,
    Unreachable,
)
from app.partners.strict_json import (
    JsonObject,
    Unreadable,
    check_json_type,
    read_json_array,
    read_json_object,
)
from app.runtime.clock import Clock
from app.runtime.tls import tls_context

MAX_CONNECTIONS: Final = 8
# Less than a request of ours may take, so that what is unknown is known to be so in time.
CALL_DEADLINE_SECONDS: Final = 7.0
# A server may close an idle connection at the moment we write to it, and the answer is lost:
# let go of it well before the usual 5 s.
KEEPALIVE_SECONDS: Final = 2.0

Observe = Callable[[str, str, float], None]
OnHead = Callable[[], None]
Permit = AbstractAsyncContextManager[OnHead | None]
T = TypeVar("T")


@dataclass(frozen=True)
class Body:
    """What is sent; its content type is one of JSON or of a form."""

    content: bytes
    content_type: str


@dataclass(frozen=True)
class PartnerRequest:
    """One request: a POST of a body, or a GET without one.

    `endpoint` is its name in failures and metrics, `path` stands below the partner's base URL.
    """

    endpoint: str
    path: str
    max_body_bytes: int
    body: Body | None = None


@dataclass(frozen=True)
class HttpReply:
    """What came back; `body` is cut one byte after `max_body_bytes`."""

    http_status: int
    content_type: str
    content_encoding: str
    body: bytes
    max_body_bytes: int
    retry_after: str = ""

    def json_object(self) -> JsonObject:
        """Read the body as the one JSON object that it is. Raises Unreadable."""
        check_json_type(self.content_type)
        return read_json_object(self.whole_body())

    def json_array(self) -> list[Any]:
        """Read the body as the one JSON array that it is. Raises Unreadable."""
        check_json_type(self.content_type)
        return read_json_array(self.whole_body())

    def whole_body(self) -> bytes:
        """Return the body. Raises Unreadable for one that is compressed or too long."""
        if self.content_encoding:
            raise Unreadable("the body is compressed, which was not asked for")
        if len(self.body) > self.max_body_bytes:
            raise Unreadable(f"the body has more than {self.max_body_bytes} bytes")
        return self.body


class Transport(Protocol):
    """Carries one request to a partner and its answer back, however long it takes."""

    async def exchange(self, request: PartnerRequest, on_head: OnHead) -> HttpReply:
        """Return the answer; call `on_head` as soon as the head of one comes.

        Raises Unreachable when nothing was sent, and AnswerLost when the answer broke off.
        """
        ...


class HttpTransport:
    """What lies below the base URL of one partner. `headers` may hold a key: they are never shown.

    A request that is not on its way after `send_within_seconds` is not sent any more; None: there
    is no such limit.
    """

    def __init__(
        self,
        base_url: str,
        *,
        headers: Mapping[str, str] | None = None,
        accept: str = "application/json",
        max_connections: int = MAX_CONNECTIONS,
        send_within_seconds: float | None = None,
    ) -> None:
        self._base_url = base_url if base_url.endswith("/") else f"{base_url}/"
        # Paths and user names may be secrets of the operator: only this is ever shown.
        parts = urlsplit(base_url)
        port = "" if parts.port is None else f":{parts.port}"
        self.source = f"{parts.hostname}{port}"
        self._send_within_seconds = send_within_seconds
        self._http = httpx.AsyncClient(
            headers={
                "Accept": accept,
                "Accept-Encoding": "identity",
                "User-Agent": f"assay/{version('assay')}",
                **(headers or {}),
            },
            trust_env=False,
            verify=tls_context(),
            follow_redirects=False,
            event_hooks={"response": [_forget_redirect]},
            timeout=None,  # noqa: S113  # the total deadline of PartnerClient stands in its place
            limits=httpx.Limits(
                max_connections=max_connections, keepalive_expiry=KEEPALIVE_SECONDS
            ),
        )

    async def aclose(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def exchange(self, request: PartnerRequest, on_head: OnHead) -> HttpReply:
        """Send one request and return its answer; `on_head` is called when its head is here.

        Raises Unreachable when nothing was sent, and AnswerLost when nobody knows.
        """
        try:
            response = await self._http.send(self._http_request(request), stream=True)
            on_head()
            return HttpReply(
                http_status=response.status_code,
                content_type=response.headers.get("Content-Type", ""),
                content_encoding=response.headers.get("Content-Encoding", ""),
                body=await _receive(response, request.max_body_bytes),
                max_body_bytes=request.max_body_bytes,
                retry_after=response.headers.get("Retry-After", ""),
            )
        except httpx.ConnectError:
            raise Unreachable(request.endpoint) from None
        except (httpx.RequestError, OSError):  # a few of the socket's own come through unwrapped
            raise AnswerLost(request.endpoint) from None

    def _http_request(self, request: PartnerRequest) -> httpx.Request:
        url, body = f"{self._base_url}{request.path}", request.body
        if body is None:
            sent = self._http.build_request("GET", url)
        else:
            headers = {"Content-Type": body.content_type}
            sent = self._http.build_request("POST", url, content=body.content, headers=headers)
        if self._send_within_seconds is not None:
            sent.extensions["trace"] = _last_check(request.endpoint, self._send_within_seconds)
        return sent


def _last_check(
    endpoint: str, send_within_seconds: float
) -> Callable[[str, object], Awaitable[None]]:
    """Return a look at the clock for httpcore to take when the first byte is about to leave."""
    began = time.monotonic()

    async def check(event: str, _facts: object) -> None:
        late = time.monotonic() - began > send_within_seconds
        if late and event == "http11.send_request_headers.started":
            raise Unreachable(endpoint)

    return check


async def _forget_redirect(response: httpx.Response) -> None:
    """Drop where a redirect leads: httpx parses it even unfollowed, and may raise InvalidURL."""
    response.headers.pop("Location", None)


async def _receive(response: httpx.Response, max_body_bytes: int) -> bytes:
    """Read a streamed body, at most one byte more than it may have, and close the response.

    Nothing is read of a compressed one, which was not asked for.
    """
    body = bytearray()
    try:
        if not response.headers.get("Content-Encoding"):
            async for chunk in response.aiter_bytes():
                body += chunk
                if len(body) > max_body_bytes:
                    break
    finally:
        await response.aclose()
    return bytes(body[: max_body_bytes + 1])


class PartnerClient:
    """Sends requests over a transport, each within a total deadline.

    `observe` is told the endpoint, the outcome ("ok", "cancelled" or the label of the failure) and
    the seconds that it took, waiting for a permit included.
    """

    def __init__(
        self,
        transport: Transport,
        *,
        clock: Clock,
        deadline_seconds: float = CALL_DEADLINE_SECONDS,
        observe: Observe | None = None,
    ) -> None:
        self._transport = transport
        self._clock = clock
        self._deadline_seconds = deadline_seconds
        self._observe = observe

    async def fetch(
        self,
        request: PartnerRequest,
        reader: Callable[[HttpReply], T],
        *,
        permit: Permit | None = None,
    ) -> T:
        """Send one request and return what the reader makes of its answer.

        `reader` raises Unreadable or a PartnerFailure. `permit` is entered before the request is
        sent and left with its result or failure; what it yields is called when the head of an
        answer is here. Raises subclasses of PartnerFailure.
        """
        started = self._clock.monotonic()
        outcome = "cancelled"
        try:
            async with permit or nullcontext() as on_head:
                result = await self._exchange(request, reader, on_head or _ignore_head)
        except PartnerFailure as failure:
            outcome = failure.label
            raise
        else:
            outcome = "ok"
            return result
        finally:
            if self._observe:
                self._observe(request.endpoint, outcome, self._clock.monotonic() - started)

    async def _exchange(
        self, request: PartnerRequest, reader: Callable[[HttpReply], T], on_head: OnHead
    ) -> T:
        try:
            async with asyncio.timeout(self._deadline_seconds):
                reply = await self._transport.exchange(request, on_head)
        except TimeoutError:
            raise DeadlinePassed(request.endpoint) from None
        try:
            return reader(reply)
        except Unreadable as fault:
            raise InvalidResponse(
                request.endpoint, http_status=reply.http_status, detail=str(fault)
            ) from None


def _ignore_head() -> None:
    """Do nothing when the head of an answer is here."""
