"""What the commands share: running to the end of a signal, a database, faults as plain words."""

import asyncio
import signal
from collections.abc import AsyncIterator, Callable, Coroutine, Generator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, Final, TypeVar

import typer
import uvicorn
import uvloop
from fastapi import FastAPI
from pydantic import SecretStr
from typing_extensions import override

from app.db.binaries import EmbeddedPostgresError
from app.db.embedded import EmbeddedPostgres
from app.db.failures import is_database_away, lacks_table, refuses_connection
from app.domain.errors import AppError
from app.providers.list_files import ListUnreadable
from app.settings import ConfigurationError, Settings

T = TypeVar("T")

# Requests in flight get this long to finish after a signal; then the loops get theirs.
_GRACE_SECONDS: Final = 4
_POSTGRES: Final = "postgres"


def run(main: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Run a command's coroutine; a fault that has a plain reason ends it with that reason."""
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return runner.run(main())
    except ConfigurationError as fault:
        typer.echo(str(fault), err=True)
        raise typer.Exit(2) from None
    except (AppError, EmbeddedPostgresError, ListUnreadable) as fault:
        typer.echo(str(fault), err=True)
        raise typer.Exit(1) from None
    except Exception as fault:
        reason = _database_reason(fault)
        if reason is None:
            raise
        typer.echo(reason, err=True)
        raise typer.Exit(1) from None


def _database_reason(fault: Exception) -> str | None:
    """Say in plain words why the database did not serve; None when it is another fault."""
    if is_database_away(fault):
        return "the database does not answer; see ASSAY_DATABASE_URL"
    if refuses_connection(fault):
        return "the database refuses the user, the password or the name in ASSAY_DATABASE_URL"
    if lacks_table(fault):
        return "the database lacks this version's schema; run `assay migrate`"
    return None


def stop_event() -> asyncio.Event:
    """Return an event that SIGINT or SIGTERM sets."""
    stopping = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    return stopping


@asynccontextmanager
async def with_database(settings: Settings) -> AsyncIterator[Settings]:
    """Yield settings that name a database: the given one, or the embedded one, started here.

    When another process runs the embedded one on the same folder, it is shared.
    """
    if settings.database_url is not None:
        yield settings
        return
    server = EmbeddedPostgres(settings.data_dir / _POSTGRES)
    async with server as url:
        if not server.attached:
            typer.echo(
                f"embedded PostgreSQL in {server.folder}, for one machine; "
                "ASSAY_DATABASE_URL names a server of your own",
                err=True,
            )
        yield settings.model_copy(update={"database_url": SecretStr(url)})


def has_embedded(settings: Settings) -> bool:
    """Say whether an embedded PostgreSQL was ever made for these settings."""
    return (settings.data_dir / _POSTGRES).exists()


def url_of(settings: Settings) -> str:
    """Return the database's URL. Raises ConfigurationError when none is named."""
    if settings.database_url is None:
        raise ConfigurationError("ASSAY_DATABASE_URL: required")
    return settings.database_url.get_secret_value()


class _Server(uvicorn.Server):
    """A server that leaves signals to the command that runs it."""

    @override
    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield


@asynccontextmanager
async def serving(app: FastAPI, settings: Settings) -> AsyncIterator[asyncio.Task[None]]:
    """Serve an application beside the body; yields the task that ends when the server does."""
    config = uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,  # the application itself knows whom to believe
        timeout_graceful_shutdown=_GRACE_SECONDS,
        ws="none",
    )
    server = _Server(config)
    task = asyncio.create_task(_serve(server))
    try:
        while not server.started and not task.done():
            await asyncio.wait({task}, timeout=0.01)
        if task.done():
            task.result()
            raise app.state.start_fault or ConfigurationError(
                f"ASSAY_HOST, ASSAY_PORT: cannot listen on {settings.host}:{settings.port}"
            )
        yield task
    finally:
        server.should_exit = True
        await asyncio.wait({task})


async def _serve(server: uvicorn.Server) -> None:
    try:
        await server.serve()
    except SystemExit:  # how uvicorn says that it could not start; it has logged why
        return
