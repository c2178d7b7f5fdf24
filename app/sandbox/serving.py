"""Serving a sandbox over real HTTP from within a running event loop."""

import asyncio
import socket
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from typing import Final

import uvicorn
from fastapi import FastAPI
from typing_extensions import override

from app.sandbox.api import BASE_PATH
from app.sandbox.spoiling import linger_nothing
from app.sandbox.views import View

_START_POLL_SECONDS: Final = 0.005
_STOP_SECONDS: Final = 1


class _EmbeddedServer(uvicorn.Server):
    """A server that leaves the signals of its process to whoever embeds it."""

    @override
    @contextmanager
    def capture_signals(self) -> Generator[None]:
        yield

    def hang_up(self, client: tuple[str, int], *, reset: bool) -> None:
        """End the connection of a client at once, without another byte."""
        for connection in self.server_state.connections:
            transport = getattr(connection, "transport", None)
            if transport is None or transport.get_extra_info("peername") != client:
                continue
            if reset:
                linger_nothing(transport.get_extra_info("socket"))
            transport.abort()


def _listen(host: str, port: int) -> socket.socket:
    # The protocol must be named: asyncio turns Nagle's delay off only where it is, and an answer
    # of two packets would then wait 40 ms for its second.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen()
    except OSError:
        listener.close()
        raise
    return listener


@asynccontextmanager
async def serve_sandbox(
    app: FastAPI, host: str = "127.0.0.1", port: int = 0
) -> AsyncGenerator[str]:
    """Serve a sandbox, and close it at the end; yields the base URL of its API.

    Port 0 takes a free one. Raises OSError when the address cannot be listened on.
    """
    listener = _listen(host, port)
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        ws="none",
        proxy_headers=False,
        timeout_graceful_shutdown=_STOP_SECONDS,
    )
    server = _EmbeddedServer(config)
    app.state.hang_up = server.hang_up
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        while not server.started:
            await asyncio.wait({serving}, timeout=_START_POLL_SECONDS)
            if serving.done():
                serving.result()
        yield f"http://{host}:{listener.getsockname()[1]}{BASE_PATH}"
    finally:
        server.should_exit = True
        await serving
        listener.close()


def esplora_urls(base_url: str) -> list[str]:
    """Return the base URL of each view of the chain, given that of a served sandbox's API."""
    root = base_url.removesuffix(BASE_PATH)
    return [f"{root}/{view}" for view in View]
