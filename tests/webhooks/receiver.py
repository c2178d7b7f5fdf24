"""A receiver of webhooks on this machine, which answers as a test says and keeps what came."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from ssl import SSLContext
from typing import Any

from standardwebhooks import Webhook

OK = b"HTTP/1.1 204 No Content\r\n\r\n"
Answer = bytes | Callable[["Received"], bytes]


@dataclass(frozen=True)
class Received:
    """One request: its first line, headers in small letters, and body."""

    line: str
    headers: dict[str, str]
    body: bytes

    def verify(self, secret: str) -> Any:  # noqa: ANN401  JSON
        """Return the event, whose signature was made by a secret just now.

        Raises WebhookVerificationError.
        """
        return Webhook(secret).verify(self.body, self.headers)


@dataclass
class Receiver:
    """What came, and what is answered: bytes, or a function of the request, in turn."""

    port: int = 0
    answer: Answer = OK
    stalls: bool = False
    requests: list[Received] = field(default_factory=list)
    stalled: int = 0

    def url(self, path: str = "/hooks", host: str = "127.0.0.1") -> str:
        """Return a URL of it."""
        return f"http://{host}:{self.port}{path}"

    async def until(self, count: int) -> None:
        """Wait until so many requests came."""
        await until(lambda: _is(len(self.requests) >= count))

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one request."""
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").splitlines()
            headers = {
                name.lower(): value.strip()
                for name, _, value in (line.partition(":") for line in head[1:] if line)
            }
            body = await reader.readexactly(int(headers.get("content-length", "0")))
            received = Received(head[0], headers, body)
            self.requests.append(received)
            if self.stalls:
                self.stalled += 1
                await reader.read()  # until the other side gives up
                return
            writer.write(self.answer(received) if callable(self.answer) else self.answer)
            await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # the sender hung up, as some tests want
        finally:
            writer.close()


async def _is(value: bool) -> bool:
    return value


async def until(holds: Callable[[], Awaitable[bool]], within_seconds: float = 60) -> None:
    """Wait until something holds."""
    async with asyncio.timeout(within_seconds):
        while not await holds():
            await asyncio.sleep(0.05)


@asynccontextmanager
async def receiving(
    host: str = "127.0.0.1", tls: SSLContext | None = None
) -> AsyncIterator[Receiver]:
    """Run a receiver beside the body."""
    receiver = Receiver()
    server = await asyncio.start_server(receiver.serve, host, 0, ssl=tls)
    receiver.port = server.sockets[0].getsockname()[1]
    try:
        yield receiver
    finally:
        server.close()


def status(code: int, *headers: str, body: str = "") -> bytes:
    """Return an answer with a status."""
    lines = [f"HTTP/1.1 {code} x", f"Content-Length: {len(body)}", *headers, "", body]
    return "\r\n".join(lines).encode()
