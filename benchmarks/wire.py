"""Counts what a process and PostgreSQL say to each other, on a socket between the two.

A statement is a CommandComplete of the server, a round trip one of its ReadyForQuery: the client
waits for it before it says more (PostgreSQL 18, sections 54.2.2 and 54.7).
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sqlalchemy import make_url

_COMPLETE: Final = ord("C")
_READY: Final = ord("Z")
_HEADER_BYTES: Final = 5  # a message's type, and its length without the type
_CHUNK_BYTES: Final = 65536


@dataclass
class Traffic:
    """What was counted since the socket was opened."""

    url: str
    statements: int = 0
    round_trips: int = 0


@asynccontextmanager
async def counted(url: str, folder: Path) -> AsyncIterator[Traffic]:
    """Stand between a client and the server at `url`; the traffic names the URL to connect to.

    The server must listen on a Unix socket, as the embedded one does.
    """
    parsed = make_url(url)
    host, port = str(parsed.query["host"]), str(parsed.query["port"])
    name = f".s.PGSQL.{port}"
    through = parsed.update_query_dict({"host": str(folder)})
    traffic = Traffic(through.render_as_string(hide_password=False))

    async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        from_server, to_server = await asyncio.open_unix_connection(str(Path(host) / name))
        with suppress(ConnectionError):
            await asyncio.gather(
                _copy(reader, to_server), _copy_counting(from_server, writer, traffic)
            )

    server = await asyncio.start_unix_server(relay, str(folder / name))
    try:
        yield traffic
    finally:
        server.close()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while chunk := await reader.read(_CHUNK_BYTES):
            writer.write(chunk)
    finally:
        writer.close()


async def _copy_counting(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, traffic: Traffic
) -> None:
    held = b""
    try:
        while chunk := await reader.read(_CHUNK_BYTES):
            writer.write(chunk)
            held = _count(held + chunk, traffic)
    finally:
        writer.close()


def _count(held: bytes, traffic: Traffic) -> bytes:
    """Count the whole messages; return the beginning of the next one."""
    start = 0
    while len(held) >= start + _HEADER_BYTES:
        length = int.from_bytes(held[start + 1 : start + _HEADER_BYTES])
        if len(held) < start + 1 + length:
            break
        traffic.statements += held[start] == _COMPLETE
        traffic.round_trips += held[start] == _READY
        start += 1 + length
    return held[start:]
