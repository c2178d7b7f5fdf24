"""Requests to AEON.to over HTTP: bytes out, the bytes of one answer in, and no judgement.

What bounds a request here: what `app.partners.http` says, and how late it may leave.
"""

import time
from collections.abc import Awaitable, Callable
from typing import Final

import httpx

from app.partners.aeonto import wire
from app.partners.aeonto.wire import Answer
from app.partners.failures import AnswerLost, Unreachable
from app.partners.http import open_connections, receive

MAX_CONNECTIONS: Final = 16
# A request whose connection took longer is not sent: a process may have been stopped meanwhile, and
# what leaves at the end of the deadline that the pace counts arrives after it.
CONNECT_SECONDS: Final = 5.0


class HttpTransport:
    """The endpoints below a base URL."""

    def __init__(self, base_url: str, *, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self._base_url = base_url if base_url.endswith("/") else f"{base_url}/"
        self._http = open_connections(
            accept="application/json", most=MAX_CONNECTIONS, transport=transport
        )

    async def aclose(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def exchange(
        self, endpoint: str, content: bytes | None, on_answer: Callable[[], None]
    ) -> Answer:
        """Send one request and return its answer; `on_answer` is called when its head is here.

        `content` is a JSON body to POST; None is a GET. Raises Unreachable when nothing was sent,
        and AnswerLost when nobody knows.
        """
        request = self._request(endpoint, content)
        request.extensions["trace"] = _last_check(endpoint)
        try:
            response = await self._http.send(request, stream=True)
            on_answer()
            return await _read(response)
        except httpx.ConnectError:
            raise Unreachable(endpoint) from None
        except (httpx.RequestError, OSError):  # a few of the socket's own come through unwrapped
            raise AnswerLost(endpoint) from None

    def _request(self, endpoint: str, content: bytes | None) -> httpx.Request:
        url = f"{self._base_url}{endpoint}/"
        if content is None:
            return self._http.build_request("GET", url)
        return self._http.build_request(
            "POST", url, content=content, headers={"Content-Type": "application/json"}
        )


def _last_check(endpoint: str) -> Callable[[str, object], Awaitable[None]]:
    """Return a look at the clock for httpcore to take when the first byte is about to leave."""
    began = time.monotonic()

    async def check(event: str, _facts: object) -> None:
        late = time.monotonic() - began > CONNECT_SECONDS
        if late and event == "http11.send_request_headers.started":
            raise Unreachable(endpoint)

    return check


async def _read(response: httpx.Response) -> Answer:
    return Answer(
        http_status=response.status_code,
        content_type=response.headers.get("Content-Type", ""),
        content_encoding=response.headers.get("Content-Encoding", ""),
        body=await receive(response, wire.MAX_BODY_BYTES),
    )
