"""`assay serve --workers N`: a parent that owns the database and the port, and processes that serve.

The supervisor is uvicorn's own. It starts each worker afresh, replaces one that dies or hangs, and
ends them all on SIGTERM. What they share lies in a folder of the parent's: the counts of their
metrics, and the lock of whoever runs the loops.
"""

import multiprocessing
import os
import signal
import tempfile
import threading
import warnings
from functools import cache
from pathlib import Path
from typing import Any, Final

import uvicorn
from fastapi import FastAPI
from uvicorn.config import STARTUP_FAILURE
from uvicorn.supervisors import Multiprocess

from app.cli.http_server import cannot_listen, server_options
from app.main import create_app
from app.runtime.observability.logging import configure_logging, get_logger
from app.runtime.observability.metrics import SHARED_FOLDER_VARIABLE
from app.settings import ConfigurationError, Settings, load_settings
from app.web.connections import BoundedProtocol, ConnectionLimit
from app.web.open_files import most_connections, raise_open_files

log = get_logger(__name__)

_PROTOCOL: Final[Any] = f"{__name__}:bounded_protocol"
_DATABASE_VARIABLE: Final = "ASSAY_DATABASE_URL"
# A process that has just been started may take so long to load the program on a busy machine.
_ANSWERS_WITHIN_SECONDS: Final = 30


class WorkersNotStarted(ConfigurationError):
    """A worker could not start; it has logged why."""


def serve_by_workers(settings: Settings, database_url: str, count: int) -> None:
    """Serve in so many processes until a signal. Raises ConfigurationError."""
    with tempfile.TemporaryDirectory(prefix="assay-workers-") as folder:
        # A worker reads its settings from the environment, as every process does.
        os.environ[_DATABASE_VARIABLE] = database_url
        os.environ[SHARED_FOLDER_VARIABLE] = folder
        config = uvicorn.Config(
            f"{__name__}:application",
            factory=True,
            workers=count,
            http=_PROTOCOL,
            timeout_worker_healthcheck=_ANSWERS_WITHIN_SECONDS,
            **server_options(settings),
        )
        try:
            listener = config.bind_socket()
        except SystemExit:  # how uvicorn says that it could not; it has logged why
            raise cannot_listen(settings) from None
        with listener:
            supervisor = Multiprocess(config, [listener])
            supervisor.run()
        if any(process.exitcode == STARTUP_FAILURE for process in supervisor.processes):
            raise WorkersNotStarted("a worker could not start; the log says why")


def application() -> FastAPI:
    """Build the application of a worker."""
    _end_with_parent()
    # A gauge of ours is cleared in this process alone, where it is set and shown.
    warnings.filterwarnings("ignore", "Clearing labels", UserWarning)
    settings = load_settings()
    configure_logging(settings.server.log_format)
    log.info("worker_starts", pid=os.getpid())
    return create_app(settings, loops_lock=Path(os.environ[SHARED_FOLDER_VARIABLE], "loops.lock"))


def bounded_protocol(**options: Any) -> BoundedProtocol:  # noqa: ANN401  uvicorn's
    """Return what uvicorn asks for each connection of a worker."""
    return BoundedProtocol(connection_limit=_connection_limit(), **options)


@cache
def _connection_limit() -> ConnectionLimit:
    open_files = raise_open_files()
    return ConnectionLimit(most_connections(open_files), open_files)


def _end_with_parent() -> None:
    """End in good order when the parent is gone, however it went: the port must come free."""
    parent = multiprocessing.parent_process()

    def wait() -> None:
        if parent is not None:
            parent.join()
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=wait, name="parent watch", daemon=True).start()
