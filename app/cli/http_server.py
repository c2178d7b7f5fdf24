"""Serves an application over HTTP beside the body of a command."""

import asyncio
from collections.abc import AsyncIterator, Generator
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from typing import Any, Final

import uvicorn
from fastapi import FastAPI
from typing_extensions import override

from app.settings import ConfigurationError, Settings
from app.web.connections import KEEP_ALIVE_SECONDS, BoundedProtocol, ConnectionLimit
from app.web.event_stream import OpenStreams
from app.web.open_files import most_connections, raise_open_files

# Requests in flight get this long to finish after a signal; then the loops get theirs.
_GRACE_SECONDS: Final = 4


class _Server(uvicorn.Server):
    """A server that leaves signals to the command that runs it."""

    @override
    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield


def server_options(settings: Settings) -> dict[str, Any]:
    """Return what each server of ours tells uvicorn."""
    return {
        "host": settings.server.host,
        "port": settings.server.port,
        "log_config": None,
        "access_log": False,
        "server_header": False,
        "proxy_headers": False,  # the application itself knows whom to believe
        "timeout_keep_alive": KEEP_ALIVE_SECONDS,
        "timeout_graceful_shutdown": _GRACE_SECONDS,
        "ws": "none",
    }


def cannot_listen(settings: Settings) -> ConfigurationError:
    """Return the fault of an address that cannot be listened on."""
    at = f"{settings.server.host}:{settings.server.port}"
    return ConfigurationError(f"ASSAY_HOST, ASSAY_PORT: cannot listen on {at}")


@asynccontextmanager
async def serving(app: FastAPI, settings: Settings) -> AsyncIterator[asyncio.Task[None]]:
    """Serve an application beside the body; yields the task that ends when the server does."""
    open_files = raise_open_files()
    limit = ConnectionLimit(most_connections(open_files), open_files)
    protocol: Any = partial(BoundedProtocol, connection_limit=limit)
    server = _Server(uvicorn.Config(app, http=protocol, **server_options(settings)))
    task = asyncio.create_task(_serve(server))
    try:
        while not server.started and not task.done():
            await asyncio.wait({task}, timeout=0.01)
        if task.done():
            task.result()
            raise app.state.start_fault or cannot_listen(settings)
        yield task
    finally:
        server.should_exit = True
        streams: OpenStreams | None = getattr(app.state, "streams", None)
        if streams is not None:
            streams.end()  # uvicorn would wait for them
        await asyncio.wait({task})


async def _serve(server: uvicorn.Server) -> None:
    try:
        await server.serve()
    except SystemExit:  # how uvicorn says that it could not start; it has logged why
        return
