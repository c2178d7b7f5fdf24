"""Sending one webhook: a POST with a total deadline, of whose answer no more than a bound is read.

No redirects, no proxies from the environment, no compression, no second try, and a connection of
its own, which goes to a checked address (`app.webhooks.connecting`).
"""

import asyncio
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from importlib.metadata import version
from typing import Final

import httpcore
import httpx

from app.webhooks.connecting import (
    AddressRefused,
    CheckedBackend,
    NameNotResolved,
    Resolve,
    SystemResolver,
)
from app.webhooks.rules.urls import Policy, UrlRefused, read_url

DEADLINE_SECONDS: Final = 10.0
MAX_ANSWER_BYTES: Final = 64 * 1024
# More than the workers of a process send at once.
_CONNECTIONS: Final = 128
_REDIRECTS: Final = range(300, 400)


@dataclass(frozen=True)
class Attempt:
    """What became of one sending.

    `http_status` is None without an answer, `answer` holds what was read of its body, `error` says
    for a person what is wrong, None if nothing is.
    """

    http_status: int | None
    answer: bytes
    retry_after: str
    error: str | None
    duration_ms: int

    @property
    def succeeded(self) -> bool:
        """Say whether the receiver took the webhook."""
        return self.error is None

    @property
    def is_gone(self) -> bool:
        """Say whether the receiver wants no more webhooks."""
        return self.http_status == HTTPStatus.GONE


class WebhookSender:
    """Sends webhooks to the URLs that a policy admits."""

    def __init__(
        self,
        policy: Policy,
        *,
        resolve: Resolve | None = None,
        trusted: ssl.SSLContext | None = None,
        deadline_seconds: float = DEADLINE_SECONDS,
    ) -> None:
        """Open nothing yet. `trusted` has the authorities whose certificates count.

        None: those of the package certifi, or of the file that `SSL_CERT_FILE` names.
        """
        self.policy = policy
        self._resolver = SystemResolver()
        self._deadline_seconds = deadline_seconds
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=trusted or httpx.create_ssl_context(),
            max_connections=_CONNECTIONS,
            max_keepalive_connections=0,
            network_backend=CheckedBackend(policy, resolve or self._resolver.resolve),
        )

    async def aclose(self) -> None:
        """Close the connections."""
        await self._pool.aclose()
        self._resolver.close()

    async def send(self, url: str, headers: Mapping[str, str], body: bytes) -> Attempt:
        """Post a body to a URL, and return what became of it. Raises nothing of the network."""
        started = time.monotonic()
        answer = _Answer()
        error = None
        try:
            async with asyncio.timeout(self._deadline_seconds):
                await self._exchange(_request(url, self.policy, headers, body), answer)
        except UrlRefused as refused:
            error = f"The URL is not allowed: it must be {refused}"
        except TimeoutError:
            error = f"No whole answer within {self._deadline_seconds:g} seconds"
        except AddressRefused:
            error = "The URL leads to an address that is not public, so nothing was sent"
        except NameNotResolved:
            error = "The name in the URL was not found"
        except (httpcore.ConnectError, httpcore.ConnectTimeout) as fault:
            error = _connection_error(fault)
        except (httpcore.NetworkError, httpcore.ProtocolError, httpcore.TimeoutException, OSError):
            error = "The connection broke off before the answer"
        return Attempt(
            http_status=answer.http_status,
            answer=bytes(answer.body),
            retry_after=answer.retry_after,
            error=_judge(answer.http_status, error),
            duration_ms=round((time.monotonic() - started) * 1000),
        )

    async def _exchange(self, request: httpcore.Request, answer: "_Answer") -> None:
        response = await self._pool.handle_async_request(request)
        try:
            answer.http_status = response.status
            answer.retry_after = next(
                (value.decode("latin-1") for name, value in response.headers
                 if name.lower() == b"retry-after"),
                "",
            )  # fmt: skip
            async for chunk in response.aiter_stream():
                answer.body += chunk[: MAX_ANSWER_BYTES - len(answer.body)]
                if len(answer.body) == MAX_ANSWER_BYTES:
                    break
        finally:
            await response.aclose()


class _Answer:
    """What has come of an answer so far."""

    def __init__(self) -> None:
        self.http_status: int | None = None
        self.retry_after = ""
        self.body = bytearray()


def _request(url: str, policy: Policy, headers: Mapping[str, str], body: bytes) -> httpcore.Request:
    """Return the request. Raises UrlRefused, for rules may be stricter than at registration."""
    target = read_url(url, policy)
    sent = {
        "Host": target.authority,
        "User-Agent": f"assay/{version('assay')}",
        "Accept": "*/*",
        "Accept-Encoding": "identity",
        "Content-Type": "application/json",
        "Content-Length": str(len(body)),
        "Connection": "close",
        **headers,
    }
    place = httpcore.URL(
        scheme=target.scheme, host=target.host, port=target.port, target=target.path
    )
    return httpcore.Request("POST", place, headers=list(sent.items()), content=body)


def _connection_error(fault: Exception) -> str:
    """Say why no connection was made: of TLS, what OpenSSL says of the certificate."""
    cause: BaseException | None = fault
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return f"The certificate of the server is not valid: {cause.verify_message}"
        if isinstance(cause, ssl.SSLError):
            return "The server does not speak TLS as it should"
        cause = cause.__cause__ or cause.__context__
    return "No connection could be made"


def _judge(http_status: int | None, error: str | None) -> str | None:
    """Say what is wrong with an answer: its status decides as soon as it is there."""
    if http_status is None:
        return error
    if http_status in range(200, 300):
        return None
    if http_status in _REDIRECTS:
        return f"The answer is a redirect ({http_status}), which is not followed"
    return f"The answer has the status {http_status}"
