"""Requests to an Esplora server over HTTP: a GET out, the bytes of one answer in, no judgement.

What bounds a request here: what `app.partners.http` says.
"""

from typing import Final
from urllib.parse import urlsplit

import httpx

from app.partners.esplora.wire import Answer
from app.partners.failures import AnswerLost, Unreachable
from app.partners.http import open_connections, receive

MAX_CONNECTIONS: Final = 8


class HttpTransport:
    """What lies below the base URL of one server, as in https://blockstream.info/api/."""

    def __init__(self, base_url: str, *, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self._base_url = base_url if base_url.endswith("/") else f"{base_url}/"
        # Paths and user names may be secrets of the operator: only this is ever shown.
        parts = urlsplit(base_url)
        port = "" if parts.port is None else f":{parts.port}"
        self.source = f"{parts.hostname}{port}"
        self._http = open_connections(
            accept="application/json, text/plain", most=MAX_CONNECTIONS, transport=transport
        )

    async def aclose(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def exchange(self, endpoint: str, path: str, max_body_bytes: int) -> Answer:
        """Get what lies at a path below the base URL; `endpoint` is its name in failures.

        Raises Unreachable when nothing was sent, and AnswerLost when the answer broke off.
        """
        try:
            request = self._http.build_request("GET", f"{self._base_url}{path}")
            return await _read(await self._http.send(request, stream=True), max_body_bytes)
        except httpx.ConnectError:
            raise Unreachable(endpoint) from None
        except (httpx.RequestError, OSError):  # a few of the socket's own come through unwrapped
            raise AnswerLost(endpoint) from None


async def _read(response: httpx.Response, max_body_bytes: int) -> Answer:
    return Answer(
        http_status=response.status_code,
        content_type=response.headers.get("Content-Type", ""),
        content_encoding=response.headers.get("Content-Encoding", ""),
        retry_after=response.headers.get("Retry-After", ""),
        body=await receive(response, max_body_bytes),
    )
