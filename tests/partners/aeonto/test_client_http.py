"""The client against a real socket: the bytes that leave, and servers that misbehave in TCP."""

import asyncio
import gzip
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from decimal import Decimal

import pytest

from app.partners import failures
from app.partners.aeonto import client as client_module
from app.partners.aeonto.client import AeontoClient, open_aeonto
from app.runtime.rate_limit.rules import Bucket
from tests.partners.aeonto import golden
from tests.partners.aeonto.bench import FixedClock, RecordingPace, slot
from tests.support.cases import each_case

CREATED = (
    b"HTTP/1.1 201 Created\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s"
    % (
        len(golden.CREATED),
        golden.CREATED.encode(),
    )
)


class Server:
    """Answers every request with the same bytes, then closes; `reset` closes with an RST."""

    def __init__(self, answer: bytes, *, reset: bool = False) -> None:
        self.answer = answer
        self.reset = reset
        self.received = b""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.read(1)
        if not head:
            writer.close()
            return
        self.received += head + await reader.readuntil(b"\r\n\r\n")
        if b"Content-Length: 0" not in self.received:
            self.received += await reader.readuntil(b"}")
        writer.write(self.answer)
        if self.reset:
            writer.transport.abort()
        else:
            await writer.drain()
            writer.close()


@asynccontextmanager
async def asking(server: Server) -> AsyncIterator[tuple[AeontoClient, RecordingPace]]:
    listener = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    port = listener.sockets[0].getsockname()[1]
    pace = RecordingPace()
    async with listener, aclosing(open_aeonto(f"http://127.0.0.1:{port}/api")) as transport:
        yield AeontoClient(transport, pace=pace, clock=FixedClock()), pace


async def create(client: AeontoClient) -> str | None:
    report = await client.order_create(
        Decimal("0.00000001"), "mipcBbFg9gMiCh81Kj8tqqdgoZub1ZJRfn", slot=slot(Bucket.ORDER_CREATE)
    )
    return report.uuid


async def test_request_leaves_as_specified() -> None:
    server = Server(CREATED)
    async with asking(server) as (client, pace):
        assert await create(client) == "aeonto-5rpnYP"
    head, _, body = server.received.partition(b"\r\n\r\n")
    lines = head.split(b"\r\n")
    assert lines[0] == b"POST /api/order_create/ HTTP/1.1"
    assert b"Content-Type: application/json" in lines
    assert b"Accept-Encoding: identity" in lines
    assert body == (
        b'{"btc_amount": 0.00000001, "btc_dest_address": "mipcBbFg9gMiCh81Kj8tqqdgoZub1ZJRfn"}'
    )
    assert pace.told == ["answered 1"]


HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


@each_case(
    ("answer", "told"),
    [
        (b"", []),
        (b"\x15\x03\x01\x00\x02", []),
        (b"HTTP/1.1 2", []),
        (HEAD + b"Content-Length: 500\r\n\r\n{", ["answered 1"]),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n", ["answered 1"]),
    ],
)
async def test_connection_that_breaks_is_a_lost_answer(answer: bytes, told: list[str]) -> None:
    async with asking(Server(answer)) as (client, pace):
        with pytest.raises(failures.AnswerLost):
            await create(client)
    assert pace.told == told


async def test_reset_is_a_lost_answer() -> None:
    async with asking(Server(b"", reset=True)) as (client, pace):
        with pytest.raises(failures.AnswerLost):
            await create(client)
    assert pace.told == []


async def test_nobody_listening_is_unreachable_and_is_told_as_such() -> None:
    pace = RecordingPace()
    async with aclosing(open_aeonto("http://127.0.0.1:1/")) as transport:
        client = AeontoClient(transport, pace=pace, clock=FixedClock())
        with pytest.raises(failures.Unreachable):
            await create(client)
    assert pace.told == ["unreachable 1"]


async def test_request_whose_connection_took_too_long_is_not_sent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(client_module, "CONNECT_SECONDS", -1.0)
    server = Server(CREATED)
    async with asking(server) as (client, pace):
        with pytest.raises(failures.Unreachable):
            await create(client)
    assert server.received == b""
    assert pace.told == ["unreachable 1"]


@each_case("location", ["http://[", "javascript:0", "/\xff", ""])
async def test_malformed_redirect_is_nonsense(location: str) -> None:
    head = f"HTTP/1.1 302 Found\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n"
    async with asking(Server(head.encode("latin-1"))) as (client, pace):
        with pytest.raises(failures.InvalidResponse):
            await create(client)
    assert pace.told == ["answered 1"]


async def test_body_beyond_the_limit_is_not_read_to_its_end() -> None:
    endless = (
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + (b"4000\r\n" + b" " * 0x4000 + b"\r\n") * 8
    )
    async with asking(Server(endless)) as (client, pace):
        with pytest.raises(failures.InvalidResponse, match="more than 65536 bytes"):
            await create(client)
    assert pace.told == ["answered 1"]


async def test_compressed_body_is_not_unpacked() -> None:
    bomb = gzip.compress(b" " * 10_000_000)
    head = HEAD + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(bomb)
    async with asking(Server(head + bomb)) as (client, pace):
        with pytest.raises(failures.InvalidResponse, match="compressed"):
            await create(client)
    assert pace.told == ["answered 1"]
