"""The limits of a connection, over raw sockets: late heads, idle connections, no HTTP, too many."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from typing import Any

import pytest
from fastapi import FastAPI, Request
from fastapi.responses import StreamingResponse
from structlog.testing import capture_logs

from app.cli import http_server
from app.cli.http_server import serving
from app.web.connections import (
    HEAD_SECONDS,
    KEEP_ALIVE_SECONDS,
    BoundedProtocol,
    ConnectionLimit,
)
from tests.support.application import settings_for_tests
from tests.support.cases import each_case
from tests.support.processes import free_port

GET = b"GET / HTTP/1.1\r\nHost: assay.test\r\n\r\n"
# Nobody waits for so long; a server that keeps a connection open fails the test.
PATIENCE_SECONDS = 60.0


class Site:
    """A small application behind the server of `assay serve`."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.app = FastAPI(openapi_url=None)
        self.app.state.start_fault = None
        self.released = asyncio.Event()
        self.sent = asyncio.Event()
        self.app.add_api_route("/", lambda: "hello")
        self.app.add_api_route("/later", self._later)
        self.app.add_api_route("/large", self._large)
        self.app.add_api_route("/echo", self._echo, methods=["POST"])

    async def _later(self) -> str:
        await self.released.wait()
        return "later"

    async def _echo(self, request: Request) -> str:
        return (await request.body()).decode()

    async def _large(self) -> StreamingResponse:
        async def pieces() -> AsyncIterator[bytes]:
            for _ in range(800):
                yield b"x" * 65536
            self.sent.set()

        return StreamingResponse(pieces())

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection("127.0.0.1", self.port)

    async def ask(self, *pieces: bytes) -> bytes:
        """Send pieces on one connection; return all that came back until it was closed."""
        reader, writer = await self.connect()
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
        return await self.rest(reader, writer)

    async def rest(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
        """Return what comes until the server closes the connection."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            answer = await reader.read()
        writer.close()
        return answer


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    site = Site(free_port())
    async with serving(site.app, settings_for_tests(port=site.port)):
        yield site


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """A head must arrive, and an answer be read, within a tenth of a second."""
    monkeypatch.setattr(BoundedProtocol, "head_seconds", 0.1)
    monkeypatch.setattr(BoundedProtocol, "unread_seconds", 0.1)


def problem(answer: bytes) -> tuple[int, str, str]:
    """Return status, code and text of an error, which has the shape of all and closes."""
    head, _, body = answer.partition(b"\r\n\r\n")
    told: dict[str, Any] = json.loads(body)
    assert told.keys() == {"detail", "code", "request_id"}
    for line in (
        f"x-request-id: {told['request_id']}",
        "connection: close",
        "cache-control: no-store",
    ):
        assert line.encode() in head.split(b"\r\n")
    return int(head.split(b" ", 2)[1]), told["code"], told["detail"]


def test_a_head_has_ten_seconds_and_an_idle_connection_longer_than_a_proxy_keeps_it() -> None:
    assert BoundedProtocol.head_seconds == HEAD_SECONDS == 10
    assert KEEP_ALIVE_SECONDS == 75


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize(
    "pieces",
    {
        "a line that is not complete": (b"GET / HT",),
        "headers that do not end": (b"GET / HTTP/1.1\r\nHost: assay.test\r\nA: b\r\n",),
        "a second head": (GET, b"GET / HTTP/1.1\r\nHo"),
    }.values(),
)
async def test_a_head_that_does_not_arrive_in_time_is_408(
    site: Site, pieces: tuple[bytes, ...]
) -> None:
    answer = await site.ask(*pieces)

    earlier = b'"hello"'
    if len(pieces) > 1:
        assert earlier in answer
        answer = answer.partition(earlier)[2]
    assert problem(answer) == (408, "head_timeout", "The headers must arrive within 0.1 seconds")


@pytest.mark.usefixtures("quick")
async def test_a_head_that_dribbles_gets_no_more_time_for_each_byte(site: Site) -> None:
    loop = asyncio.get_running_loop()
    # A stream would forget the answer when a byte comes back refused, as one after it does.
    with socket.create_connection(("127.0.0.1", site.port)) as client:
        client.setblocking(False)
        answer = asyncio.create_task(loop.sock_recv(client, 65536))
        for byte in b"GET / HTTP/1.1\r\nHost: assay.test\r\n" + b"A: b\r\n" * 1000:
            if answer.done():
                break
            await loop.sock_sendall(client, bytes([byte]))
            await asyncio.wait({answer}, timeout=0.01)
        assert answer.done(), "each byte gave the head more time"
        assert b" 408 " in await answer


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize(
    ("first", "then"),
    [
        (b"", b""),
        (b"\r\n", b"\r\n"),
        (GET, b"\r\n"),
        (b"GET / HTTP/1.1\r\nHost: assay.test\r\nContent-Length: 9\r\n\r\n", b"x"),
    ],
    ids=["nothing", "empty lines", "empty lines later", "a body that nobody reads"],
)
async def test_a_connection_that_asks_nothing_is_closed_in_time(
    site: Site, first: bytes, then: bytes
) -> None:
    reader, writer = await site.connect()
    writer.write(first)
    if b"GET" in first:
        await reader.readuntil(b'"hello"')
    writer.write(then)

    assert await site.rest(reader, writer) == b""


@pytest.mark.usefixtures("quick")
async def test_an_answer_that_nobody_reads_is_cut_off(site: Site) -> None:
    _, writer = await asyncio.open_connection("127.0.0.1", site.port, limit=1)
    writer.write(GET.replace(b"/ ", b"/large ", 1))

    async with asyncio.timeout(PATIENCE_SECONDS):
        await site.sent.wait()

    writer.close()


@each_case(
    "request_bytes",
    {
        "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" * 10,
        "noise before a request": b"noise\r\n" + GET,
        "a NUL before a request": b"\0" + GET,
        "another protocol": b"SSH-2.0-OpenSSH_9.2\r\n",
        "a line without a version": b"GET /\r\nHost: assay.test\r\n\r\n",
        "a space before the colon": b"GET / HTTP/1.1\r\nHost : assay.test\r\n\r\n",
    }.values(),
)
async def test_what_is_not_http_is_400(site: Site, request_bytes: bytes) -> None:
    assert problem(await site.ask(request_bytes)) == (
        400,
        "malformed_request",
        "The request is not valid HTTP/1.1",
    )


@each_case(
    "headers",
    [
        b"",
        b"Host: a\r\nHost: a\r\n",
        b"Host: a\r\nhost: b\r\n",
        b"Host:\r\n",
        b"Host: a b\r\n",
        b"Host: a/b\r\n",
        b"Host: a, b\r\n",
        b"Host: user@a\r\n",
        b"Host: a:b\r\n",
        b"Host: [::1\r\n",
    ],
)
@each_case("method", [b"GET", b"POST"])
async def test_no_host_two_hosts_and_no_name_of_a_host_are_400(
    site: Site, headers: bytes, method: bytes
) -> None:
    answer = await site.ask(
        method + b" / HTTP/1.1\r\n" + headers + b"Content-Length: 2\r\n\r\n{}" + GET
    )

    assert problem(answer) == (
        400,
        "invalid_parameter",
        "Host must be one header that names a host, and perhaps its port",
    )


@each_case("host", [b"a", b"a.example:8000", b"127.0.0.1:80", b"[::1]:8000", b"a_b"])
async def test_a_host_and_its_port_are_taken(site: Site, host: bytes) -> None:
    answer = await site.ask(b"GET / HTTP/1.1\r\nHost: " + host + b"\r\nConnection: close\r\n\r\n")

    assert answer.startswith(b"HTTP/1.1 200 ")


async def test_http_1_0_needs_no_host(site: Site) -> None:
    assert b" 200 " in await site.ask(b"GET / HTTP/1.0\r\n\r\n")
    assert b" 400 " in await site.ask(b"GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n")


async def test_a_head_of_any_size_is_not_taken(site: Site) -> None:
    assert problem(await site.ask(b"GET / HTTP/1.1\r\n", b"A: " + b"b" * 65_536)) == (
        431,
        "head_too_large",
        "The headers must be at most 65536 bytes",
    )


# As the HTTP client of Java 11 and later sends a request of HTTP/2 over plain TCP.
UPGRADE = (
    b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
    b"HTTP2-Settings: AAEAAEAAAAIAAAAAAAMAAAAAAAQBAAAAAAUAAEAAAAYABgAA\r\n"
)
ECHO = b"POST /echo HTTP/1.1\r\nHost: assay.test\r\n"
LAST = ECHO + b"Connection: close\r\nContent-Length: 4\r\n\r\nlast"


@each_case(
    "request_bytes",
    [
        ECHO + UPGRADE + b"Content-Length: 4\r\n\r\nbody",
        ECHO + UPGRADE + b"Transfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n",
        ECHO + b"Connection: upgrade\r\nUpgrade: websocket\r\nContent-Length: 4\r\n\r\nbody",
        ECHO + b"Upgrade: h2c\r\nContent-Length: 4\r\n\r\nbody",
        (ECHO + UPGRADE + b"Content-Length: 4\r\n\r\nbody") * 3,
    ],
)
async def test_request_that_asks_for_another_protocol_keeps_its_body_and_its_connection(
    site: Site, request_bytes: bytes
) -> None:
    expected = request_bytes.count(b"body") * [b'"body"'] + [b'"last"']
    for cut in (len(request_bytes), len(ECHO) // 2, len(ECHO) + 20, len(request_bytes) - 2):
        answer = await site.ask(request_bytes[:cut], request_bytes[cut:] + LAST)

        assert [
            one.rpartition(b"\r\n")[2] for one in answer.split(b"HTTP/1.1 200 OK")[1:]
        ] == expected


async def test_head_that_asks_for_another_protocol_is_judged_as_any_other(site: Site) -> None:
    answer = await site.ask(b"POST /echo HTTP/1.1\r\n" + UPGRADE + b"Content-Length: 2\r\n\r\n{}")

    assert problem(answer)[:2] == (400, "invalid_parameter")


async def test_noise_behind_a_request_does_not_answer_it(site: Site) -> None:
    reader, writer = await site.connect()
    writer.write(GET.replace(b"/ ", b"/later ", 1) + b"noise\r\n\r\n")
    await asyncio.sleep(0.05)
    site.released.set()

    answer = await site.rest(reader, writer)

    assert answer.startswith(b"HTTP/1.1 200 ")
    assert answer.endswith(b'"later"')
    assert b" 400 " not in answer


async def test_a_connection_that_has_been_idle_for_long_is_closed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(http_server, "KEEP_ALIVE_SECONDS", 0.1)
    site = Site(free_port())
    async with serving(site.app, settings_for_tests(port=site.port)):
        reader, writer = await site.connect()
        for _ in range(2):
            writer.write(GET)
            await reader.readuntil(b'"hello"')

        assert await site.rest(reader, writer) == b""


def test_connections_beyond_the_limit_are_said_once_a_minute_with_the_remedy() -> None:
    now = 0.0
    limit = ConnectionLimit(2, 66, lambda: now)
    assert not limit.refuses(1)
    assert not limit.refuses(2)
    with capture_logs() as logs:
        for seconds in (0.0, 1.0, 59.0, 60.0, 61.0):
            now = seconds
            assert limit.refuses(3)

    assert [entry["refused"] for entry in logs] == [1, 3]
    for entry in logs:
        assert entry == {
            "event": "connections_full",
            "log_level": "error",
            "source": "app.web.connections",
            "connections": 2,
            "refused": entry["refused"],
            "open_files": 66,
            "remedy": "raise the limit on open files: LimitNOFILE= of systemd, or ulimit -n",
        }


async def test_one_connection_too_many_is_503_and_the_others_go_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(http_server, "most_connections", lambda _: 2)
    site = Site(free_port())
    async with serving(site.app, settings_for_tests(port=site.port)):
        kept = [await site.connect() for _ in range(2)]

        refused = await site.ask(GET)

        assert problem(refused)[:2] == (503, "busy")
        assert b"\r\nretry-after: 1\r\n" in refused
        for reader, writer in kept:
            writer.write(GET)
            await reader.readuntil(b'"hello"')
        kept[0][1].close()
        await kept[0][1].wait_closed()
        assert b" 200 " in await site.ask(
            GET.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
        )
        kept[1][1].close()
