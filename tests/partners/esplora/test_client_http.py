"""The client against a real socket: the bytes that leave, and servers that misbehave in TCP."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager

import pytest

from app.partners import failures
from app.partners.esplora.client import EsploraClient, open_esplora
from app.partners.esplora.wire import MAX_BODY_BYTES
from tests.partners.esplora.golden import CONFIRMED, TXID
from tests.support.cases import each_case
from tests.support.clock import HandClock

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
FOUND = HEAD + b"Content-Length: %d\r\n\r\n%s" % (len(CONFIRMED), CONFIRMED.encode())


class Server:
    """Answers every request with the same bytes, then closes; `reset` closes with an RST."""

    def __init__(self, answer: bytes, *, reset: bool = False) -> None:
        self.answer = answer
        self.reset = reset
        self.received = b""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.received += await reader.readuntil(b"\r\n\r\n")
        writer.write(self.answer)
        if self.reset:
            writer.transport.abort()
            return
        try:
            await writer.drain()
        except ConnectionError:
            return  # the client has read enough
        writer.close()


@asynccontextmanager
async def asking(server: Server) -> AsyncIterator[EsploraClient]:
    listener = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    port = listener.sockets[0].getsockname()[1]
    async with listener, aclosing(open_esplora(f"http://127.0.0.1:{port}/api")) as transport:
        yield EsploraClient(transport, clock=HandClock())


async def test_request_leaves_as_documented() -> None:
    server = Server(FOUND)
    async with asking(server) as client:
        transaction = await client.transaction(TXID)
    assert transaction is not None
    assert transaction.txid == TXID
    lines = server.received.split(b"\r\n")
    assert lines[0] == f"GET /api/tx/{TXID} HTTP/1.1".encode()
    assert b"Accept-Encoding: identity" in lines


@each_case(
    "answer",
    [
        b"",
        b"\x15\x03\x01\x00\x02",
        b"HTTP/1.1 2",
        HEAD + b"Content-Length: 500\r\n\r\n{",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
    ],
)
async def test_connection_that_breaks_is_a_lost_answer(answer: bytes) -> None:
    async with asking(Server(answer)) as client:
        with pytest.raises(failures.AnswerLost):
            await client.transaction(TXID)


async def test_reset_is_a_lost_answer() -> None:
    async with asking(Server(b"", reset=True)) as client:
        with pytest.raises(failures.AnswerLost):
            await client.transaction(TXID)


async def test_nobody_listening_is_unreachable() -> None:
    async with aclosing(open_esplora("http://127.0.0.1:1/")) as transport:
        client = EsploraClient(transport, clock=HandClock())
        with pytest.raises(failures.Unreachable):
            await client.tip_height()


@each_case("location", ["http://[", "javascript:0", "/\xff", "/elsewhere"])
async def test_redirect_is_not_followed(location: str) -> None:
    head = f"HTTP/1.1 302 Found\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n"
    server = Server(head.encode("latin-1"))
    async with asking(server) as client:
        with pytest.raises(failures.InvalidResponse, match="HTTP 302"):
            await client.transaction(TXID)
    assert server.received.count(b"GET ") == 1


async def test_body_beyond_the_limit_is_not_read_to_its_end() -> None:
    chunk = b"10000\r\n" + b" " * 0x10000 + b"\r\n"
    endless = HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + chunk * (MAX_BODY_BYTES // 0x10000 + 1)
    async with asking(Server(endless)) as client:
        with pytest.raises(failures.InvalidResponse, match="more than 2097152 bytes"):
            await client.transaction(TXID)


async def test_compressed_body_is_not_unpacked() -> None:
    packed = b"no gzip, which unpacking would stumble on"
    head = HEAD + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(packed)
    async with asking(Server(head + packed)) as client:
        with pytest.raises(failures.InvalidResponse, match="compressed"):
            await client.transaction(TXID)
