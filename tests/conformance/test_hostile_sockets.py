"""Hostile bytes on real connections: what no well-behaved client would ever send."""

import asyncio
import gzip
import json
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from typing import Any, Final

import pytest
from structlog.testing import capture_logs

from app.runtime.db.engine import create_database
from app.web.request_body import StrictRoute
from tests.support.cases import each_case
from tests.support.databases import Template
from tests.support.people import make_user
from tests.support.server import Served, serve_application

_PATIENCE_SECONDS: Final = 60.0
_GOOD: Final = json.dumps(
    {
        "number_of_credits": 10,
        "payment_coin": "Aeon",
        "payment_network": "AEON",
        "order_is_for_self": True,
    }
).encode()


@dataclass(frozen=True)
class Victim:
    """A server, and a caller that it knows."""

    served: Served
    api_key: str

    def head(self, *headers: bytes, line: bytes = b"POST /api/new_order HTTP/1.1") -> bytes:
        """Return the head of a request that is good but for what is given."""
        known = (b"Host: assay.test", b"X-API-KEY: " + self.api_key.encode())
        plain = (b"Content-Type: application/json", b"Connection: close")
        return b"\r\n".join((line, *known, *plain, *headers, b"", b""))

    async def send(self, *pieces: bytes, pause_seconds: float = 0.0) -> bytes:
        """Send pieces until all are sent or an answer comes; return all that came back."""
        answer, _ = await self.send_many(pieces, pause_seconds=pause_seconds)
        return answer

    async def send_many(
        self, pieces: Iterable[bytes], *, pause_seconds: float = 0.0
    ) -> tuple[bytes, int]:
        """Send pieces as `send` does; return what came back, and how many bytes had been sent."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.served.port)
        answering = asyncio.create_task(_collect(reader))
        sent = 0
        try:
            for piece in pieces:
                if answering.done():
                    break
                writer.write(piece)
                await writer.drain()
                sent += len(piece)
                await asyncio.sleep(pause_seconds)
        except ConnectionError:  # the server hung up, as it may: what it said before counts
            pass
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS):
                return await answering, sent
        finally:
            answering.cancel()
            writer.close()

    async def is_well(self) -> bool:
        """Say whether the server still does its work."""
        answer = await self.send(self.head(b"Content-Length: %d" % len(_GOOD)), _GOOD)
        return answer.startswith(b"HTTP/1.1 201 ")


async def _collect(reader: asyncio.StreamReader) -> bytes:
    answer = b""
    try:
        while piece := await reader.read(65536):
            answer += piece
    except ConnectionError:
        return answer
    return answer


@pytest.fixture(scope="module")
async def server(template: Template) -> AsyncIterator[Victim]:
    async with template.copy() as url:
        database = create_database(url)
        async with serve_application(database) as served:
            user = await make_user(database, served.clock.now())
            yield Victim(served, user.api_key)
        await database.dispose()


@pytest.fixture
async def victim(server: Victim) -> AsyncIterator[Victim]:
    """A server that has logged no fault and still works when the test is over."""
    with capture_logs() as logs:
        yield server
        assert await server.is_well()
    assert [entry for entry in logs if entry["log_level"] in ("error", "critical")] == []


def _read(answer: bytes) -> tuple[int, dict[str, Any]]:
    head, _, body = answer.partition(b"\r\n\r\n")
    problem: dict[str, Any] = json.loads(body)
    assert problem.keys() == {"detail", "code", "request_id"}
    assert f"x-request-id: {problem['request_id']}".encode() in head
    return int(head.split(b" ", 2)[1]), problem


async def test_a_chunked_body_of_50_mb_is_refused_before_it_is_taken(victim: Victim) -> None:
    chunk = b"10000\r\n" + b" " * 65536 + b"\r\n"

    answer, sent = await victim.send_many(
        (victim.head(b"Transfer-Encoding: chunked"), *[chunk] * 800)
    )

    assert sent < 20_000_000  # what the buffers of both sides hold, at most
    if answer:  # else it was lost to the reset that stops the sender
        assert _read(answer)[0] == 413


async def test_a_chunked_body_one_byte_too_long_is_413(victim: Victim) -> None:
    body = _GOOD + b" " * (16 * 1024 + 1 - len(_GOOD))
    chunked = b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)

    status, problem = _read(await victim.send(victim.head(b"Transfer-Encoding: chunked"), chunked))

    assert (status, problem["code"]) == (413, "body_too_large")


async def test_a_promise_of_too_much_is_413_before_any_of_it_is_read(victim: Victim) -> None:
    status, problem = _read(await victim.send(victim.head(b"Content-Length: 99999999999")))

    assert (status, problem["code"]) == (413, "body_too_large")


async def test_a_body_in_single_bytes_is_one_body(victim: Victim) -> None:
    head = victim.head(b"Content-Length: %d" % len(_GOOD))

    answer = await victim.send(head, *(bytes([byte]) for byte in _GOOD))

    assert answer.startswith(b"HTTP/1.1 201 ")


async def test_a_body_that_dribbles_is_408(victim: Victim, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(StrictRoute, "body_seconds", 0.1)
    head = victim.head(b"Content-Length: %d" % len(_GOOD))

    answer = await victim.send(head, *(bytes([byte]) for byte in _GOOD), pause_seconds=0.02)

    status, problem = _read(answer)
    assert (status, problem["code"]) == (408, "body_timeout")


async def test_fifty_dribbling_bodies_hold_nobody_up(victim: Victim) -> None:
    head = victim.head(b"Content-Length: %d" % len(_GOOD))
    dribbling = [asyncio.create_task(victim.send(head, b"{")) for _ in range(50)]
    await asyncio.sleep(0.05)

    assert await victim.is_well()

    assert not any(task.done() for task in dribbling)
    for task in dribbling:
        task.cancel()
    await asyncio.wait(dribbling)


async def test_a_compressed_body_is_415_and_is_not_inflated(victim: Victim) -> None:
    bomb = gzip.compress(b" " * 10_000_000)
    head = victim.head(b"Content-Encoding: gzip", b"Content-Length: %d" % len(bomb))

    status, problem = _read(await victim.send(head, bomb))

    assert (status, problem["code"]) == (415, "unsupported_media_type")


async def test_a_client_that_hangs_up_within_its_body_is_no_fault(victim: Victim) -> None:
    for _ in range(20):
        _, writer = await asyncio.open_connection("127.0.0.1", victim.served.port)
        writer.write(victim.head(b"Content-Length: 5000") + b'{"number_of_credits"')
        await writer.drain()
        writer.close()
        await writer.wait_closed()


@each_case("header", [b"X-API-KEY: \xe9", b"X-API-KEY: second", b"X-API-KEY:", b"x-api-key: a\tb"])
async def test_a_second_key_makes_the_first_invalid(victim: Victim, header: bytes) -> None:
    status, problem = _read(await victim.send(victim.head(header, b"Content-Length: 2"), b"{}"))

    assert (status, problem["detail"]) == (403, "Invalid API key.")


@each_case(
    "target",
    [
        b"/api/new_order%00",
        b"/api/new_order%ff",
        b"/api/access_codes/%00/deactivate",
        b"/api/access_codes/%ff%fe/credits",
        b"/api/../api/new_order",
        b"//api/new_order",
        b"/" + b"a" * 60_000,
        b"/static/..%2f..%2fmain.py",
        b"/static/%00",
    ],
)
async def test_a_hostile_path_is_an_unknown_one(victim: Victim, target: bytes) -> None:
    line = b"POST " + target + b" HTTP/1.1"

    status, _ = _read(await victim.send(victim.head(b"Content-Length: 2", line=line), b"{}"))

    assert status in {400, 404, 405}


@each_case(
    "request_bytes",
    {
        "noise": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" * 10,
        "no such version": b"GET / HTTP/9.9\r\n\r\n",
        "a method of bytes": b"G\xffT / HTTP/1.1\r\nHost: x\r\n\r\n",
        "a NUL in a header": b"GET / HTTP/1.1\r\nHost: x\r\nA: \x00\r\n\r\n",
        "two lengths": b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        "a length below zero": b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        "a length and chunks": b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n"
        b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /metrics HTTP/1.1\r\n\r\n",
        "a chunk of no size": b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    }.items(),
)
async def test_what_is_not_http_is_400_or_nothing(
    victim: Victim, request_bytes: tuple[str, bytes]
) -> None:
    answer = await victim.send(request_bytes[1])

    assert answer == b"" or answer.startswith((b"HTTP/1.1 400 ", b"HTTP/1.1 404 "))
    assert b" 200 " not in answer
