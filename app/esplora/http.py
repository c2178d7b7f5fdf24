"""Requests to an Esplora server over HTTP: a GET out, the bytes of one answer in, no judgement.

What bounds a request here: a limit on the body, no redirects, no proxies from the environment.
"""

from importlib.metadata import version
from typing import Final
from urllib.parse import urlsplit

import httpx

from app.esplora import wire
from app.esplora.failures import AnswerLost, Unreachable
from app.esplora.wire import Answer

# A server may close an idle connection at the moment we write to it, and the answer is lost:
# let go of it well before the usual 5 s.
KEEPALIVE_SECONDS: Final = 2.0
MAX_CONNECTIONS: Final = 8

_HEADERS: Final = {
    "Accept": "application/json, text/plain",
    "Accept-Encoding": "identity",
    "User-Agent": f"assay/{version('assay')}",
}


class HttpTransport:
    """What lies below the base URL of one server, as in https://blockstream.info/api/."""

    def __init__(self, base_url: str, *, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self._base_url = base_url if base_url.endswith("/") else f"{base_url}/"
        # Paths and user names may be secrets of the operator: only this is ever shown.
        parts = urlsplit(base_url)
        port = "" if parts.port is None else f":{parts.port}"
        self.source = f"{parts.hostname}{port}"
        self._http = httpx.AsyncClient(
            headers=_HEADERS,
            transport=transport,
            trust_env=False,
            follow_redirects=False,
            event_hooks={"response": [_forget_redirect]},
            timeout=None,  # noqa: S113  # the client's total deadline stands in its place
            limits=httpx.Limits(
                max_connections=MAX_CONNECTIONS, keepalive_expiry=KEEPALIVE_SECONDS
            ),
        )

    async def aclose(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def exchange(self, endpoint: str, path: str) -> Answer:
        """Get what lies at a path below the base URL; `endpoint` is its name in failures.

        Raises Unreachable when nothing was sent, and AnswerLost when the answer broke off.
        """
        try:
            request = self._http.build_request("GET", f"{self._base_url}{path}")
            return await _receive(await self._http.send(request, stream=True))
        except httpx.ConnectError:
            raise Unreachable(endpoint) from None
        except (httpx.RequestError, OSError):  # a few of the socket's own come through unwrapped
            raise AnswerLost(endpoint) from None


async def _forget_redirect(response: httpx.Response) -> None:
    """Drop where a redirect leads: httpx parses it even unfollowed, and may raise InvalidURL."""
    response.headers.pop("Location", None)


async def _receive(response: httpx.Response) -> Answer:
    """Read an answer, at most one byte more than it may have. A compressed body is not read."""
    body = bytearray()
    encoding = response.headers.get("Content-Encoding", "")
    try:
        if not encoding:
            async for chunk in response.aiter_bytes():
                body += chunk
                if len(body) > wire.MAX_BODY_BYTES:
                    break
    finally:
        await response.aclose()
    return Answer(
        http_status=response.status_code,
        content_type=response.headers.get("Content-Type", ""),
        content_encoding=encoding,
        retry_after=response.headers.get("Retry-After", ""),
        body=bytes(body[: wire.MAX_BODY_BYTES + 1]),
    )
