"""Load on a server: wrk where it is installed, else a client of our own; and what was measured."""

import asyncio
import json
import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

_SCRIPT: Final = Path(__file__).with_name("wrk.lua")
_HEAD_END: Final = b"\r\n\r\n"
_TIMEOUT_SECONDS: Final = 30
_PATIENCE_SECONDS: Final = 60.0


class LoadFailed(Exception):
    """The load could not be put on the server; the message says why."""


@dataclass(frozen=True)
class Request:
    """One request as it is sent; `key` goes into X-API-KEY, `body` is JSON on one line."""

    method: str
    path: str
    key: str = ""
    body: str = ""

    def line(self) -> str:
        """Return the request as a line of the file that wrk.lua reads."""
        return "\t".join((self.method, self.path, self.key, self.body))

    def bytes_for(self, host: str) -> bytes:
        """Return the request as HTTP/1.1."""
        head = f"{self.method} {self.path} HTTP/1.1\r\nHost: {host}\r\n"
        if self.key:
            head += f"X-API-KEY: {self.key}\r\n"
        if self.body:
            head += f"Content-Type: application/json\r\nContent-Length: {len(self.body)}\r\n"
        return f"{head}\r\n{self.body}".encode()


@dataclass(frozen=True)
class LoadResult:
    """What a load measured; `failed` are answers of 400 and above, and requests without one."""

    requests: int
    failed: int
    seconds: float
    p50_ms: float
    p99_ms: float

    @property
    def requests_per_second(self) -> float:
        """How many requests were answered in a second."""
        return self.requests / self.seconds


def has_wrk() -> bool:
    """Say whether wrk puts the load on."""
    return shutil.which("wrk") is not None


async def put_load(
    base_url: str,
    file: Path | None,
    requests: Sequence[Request],
    *,
    connections: int,
    seconds: float,
) -> LoadResult:
    """Send requests in turn over so many connections, each with one request in flight.

    It lasts longer where not one was answered in that time. `file` is for wrk's copy of the
    requests; None: our own client sends them. Raises LoadFailed.
    """
    if file is not None:
        _write(file, requests)
    while seconds <= _PATIENCE_SECONDS:
        result = (
            await _by_wrk(base_url, file, connections, seconds)
            if file is not None
            else await _by_own_client(base_url, requests, connections, seconds)
        )
        if result is not None:
            return result
        seconds *= 2
    raise LoadFailed(f"{requests[0].path}: no request was answered within {seconds / 2:g} s")


def _write(file: Path, requests: Sequence[Request]) -> None:
    file.write_text("".join(f"{request.line()}\n" for request in requests))


async def _by_wrk(base_url: str, file: Path, connections: int, seconds: float) -> LoadResult | None:
    options = ["-t1", f"-c{connections}", f"-d{max(1, round(seconds))}s"]
    options += [f"--timeout={_TIMEOUT_SECONDS}s", "-s", str(_SCRIPT)]
    process = await asyncio.create_subprocess_exec(
        "wrk",
        *options,
        base_url,
        "--",
        str(file),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    lines = [line for line in output.decode().splitlines() if line.startswith("{")]
    if process.returncode != 0 or not lines:
        raise LoadFailed(f"wrk ended with {process.returncode}:\n{output.decode()[-2000:]}")
    result = LoadResult(**json.loads(lines[-1]))
    return result if result.requests else None


async def _by_own_client(
    base_url: str, requests: Sequence[Request], connections: int, seconds: float
) -> LoadResult | None:
    url = urlsplit(base_url)
    packets = cycle([request.bytes_for(url.netloc) for request in requests])
    latencies: list[float] = []
    failed = 0
    began = time.perf_counter()
    deadline = began + seconds

    async def call_in_turn() -> None:
        nonlocal failed
        reader, writer = await asyncio.open_connection(url.hostname, url.port)
        try:
            while time.perf_counter() < deadline:
                sent = time.perf_counter()
                writer.write(next(packets))
                status = await _read_answer(reader)
                latencies.append(time.perf_counter() - sent)
                failed += status >= 400  # noqa: PLR2004
        finally:
            writer.close()

    await asyncio.gather(*(call_in_turn() for _ in range(connections)))
    if not latencies:
        return None
    latencies.sort()
    return LoadResult(
        requests=len(latencies),
        failed=failed,
        seconds=time.perf_counter() - began,
        p50_ms=latencies[len(latencies) // 2] * 1000,
        p99_ms=latencies[int(len(latencies) * 0.99)] * 1000,
    )


async def _read_answer(reader: asyncio.StreamReader) -> int:
    """Read one answer that states its length; return its status."""
    head = (await reader.readuntil(_HEAD_END)).decode("latin-1").lower()
    length = head.partition("content-length:")[2].partition("\r\n")[0].strip()
    if not length.isdigit():
        raise LoadFailed("an answer came without Content-Length")
    await reader.readexactly(int(length))
    return int(head.split(maxsplit=2)[1])
