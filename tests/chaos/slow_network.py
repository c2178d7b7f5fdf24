"""A network between the replicas and the sandbox whose delays jump: a TCP proxy with a seed."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from random import Random
from typing import Final

# Bytes that follow each other this closely are one message, and travel together.
_ONE_MESSAGE_SECONDS: Final = 0.015
_CHUNK_BYTES: Final = 65_536


@dataclass
class Delays:
    """How long a message travels one way: between `least` and `most` seconds, each anew."""

    chance: Random
    least: float
    most: float

    def draw(self) -> float:
        """Return the seconds that the next message takes."""
        return self.chance.uniform(self.least, self.most)


@asynccontextmanager
async def slow_network(port: int, target_port: int, delays: Delays) -> AsyncIterator[None]:
    """Listen on `port` of the loopback and carry everything to `target_port`, and back, late.

    What a killed client has sent arrives nevertheless, as it would on a real network.
    """
    tasks: set[asyncio.Task[None]] = set()

    async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            there_reader, there_writer = await asyncio.open_connection("127.0.0.1", target_port)
        except OSError:
            writer.transport.abort()
            return
        for source, sink in ((reader, there_writer), (there_reader, writer)):
            task = asyncio.create_task(_one_way(source, sink, delays))
            tasks.add(task)
            task.add_done_callback(tasks.discard)

    server = await asyncio.start_server(carry, "127.0.0.1", port)
    async with server:
        yield
    for task in list(tasks):
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def _one_way(
    source: asyncio.StreamReader, sink: asyncio.StreamWriter, delays: Delays
) -> None:
    loop = asyncio.get_running_loop()
    travelling: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()
    arriving = asyncio.create_task(_arrive(travelling, sink))
    last, delay, due, chunk = float("-inf"), 0.0, 0.0, b" "
    try:
        while chunk:
            try:
                chunk = await source.read(_CHUNK_BYTES)
            except OSError:
                chunk = b""
            if loop.time() - last > _ONE_MESSAGE_SECONDS:
                delay = delays.draw()
            last = loop.time()
            due = max(due, last + delay)
            travelling.put_nowait((due, chunk))
        await arriving
    finally:
        arriving.cancel()
        sink.transport.abort()


async def _arrive(
    travelling: asyncio.Queue[tuple[float, bytes]], sink: asyncio.StreamWriter
) -> None:
    """Deliver what travels until the empty message, which is the end."""
    loop = asyncio.get_running_loop()
    with suppress(OSError):
        while True:
            due, chunk = await travelling.get()
            await asyncio.sleep(max(0.0, due - loop.time()))
            if not chunk:
                return
            sink.write(chunk)
            await sink.drain()
