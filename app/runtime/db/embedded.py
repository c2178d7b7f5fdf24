"""The embedded PostgreSQL: one server on one machine, owned by one process, shared with others.

Owns the state folder:

    lock        held by the owner for as long as it lives
    socket      names the folder of the Unix socket while the server is up
    password    of the user `assay`, made at random
    data, run   PostgreSQL's data, and its socket; nothing listens on TCP
    log         what the server has to say
"""

import asyncio
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import Final

import asyncpg
from sqlalchemy import URL

from app.runtime.db import tether
from app.runtime.db.binaries import (
    EmbeddedPostgresError,
    admits,
    choose_owner,
    digest,
    find_binaries,
    major_version,
    reachable_binaries,
    shared_folder,
)
from app.runtime.db.private_folder import PrivateFolder
from app.runtime.db.stopping import stop_child, stop_left_over

__all__ = ["EmbeddedPostgres", "EmbeddedPostgresError"]

_USER: Final = "assay"
_PORT: Final = 5432  # only names the socket's file
_SOCKET_PATH_MAX_BYTES: Final = 107  # sun_path of unix(7), less its closing NUL
_START_TIMEOUT_SECONDS: Final = 30.0
_POLL_SECONDS: Final = 0.01
_ENVIRONMENT: Final = {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}  # no PG*, no secrets
_SETTINGS: Final = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "port": str(_PORT),
    "timezone": "UTC",
    "max_connections": "100",
    "shared_buffers": "64MB",
    "log_checkpoints": "off",
}
_THROWAWAY: Final = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
_NOT_YET: Final = (OSError, asyncpg.CannotConnectNowError, asyncpg.ConnectionDoesNotExistError)


class EmbeddedPostgres:
    """A PostgreSQL server that starts with us, or that another process has started.

    The state folder belongs to the server alone: as root it is handed to the server's user. Below
    a folder that this user may not enter, the files go elsewhere; `folder` says where they are.
    An attached process loses the server when the owner ends, and finds the next one when it
    starts again.
    """

    def __init__(
        self,
        state: Path,
        *,
        throwaway: bool = False,
        database: str = "assay",
        binaries: Path | None = None,
    ) -> None:
        """Prepare a server that keeps its files in `state`; nothing is touched before `start`.

        A `throwaway` one does not survive a crash of the machine, and is faster for it.
        `binaries` is the folder of `postgres` and `initdb`; without it they are looked for.
        """
        self.attached = False
        self._asked = state.resolve()
        self._owner = choose_owner(self._asked / "data")
        self._files = PrivateFolder(self._asked, self._owner)
        self._throwaway = throwaway
        self._database = database
        self._binaries = binaries
        self._lock: int | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._run: Path | None = None

    @property
    def folder(self) -> Path:
        """Where the files are."""
        return self._files.path

    @property
    def moved(self) -> bool:
        """Whether the files had to go elsewhere than was asked."""
        return self.folder != self._asked

    async def __aenter__(self) -> str:
        return await self.start()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.stop()

    async def start(self) -> str:
        """Start the server, or attach to the one that runs; return its URL for SQLAlchemy.

        Must be called from the main thread: on Linux the server ends with the thread that started
        it. Raises EmbeddedPostgresError, with the reason, when there will be no server.
        """
        if threading.current_thread() is not threading.main_thread():
            raise EmbeddedPostgresError("start the embedded PostgreSQL from the main thread")
        try:
            self._settle()
            return await self._serve_or_attach()
        except OSError as error:
            await self.stop()
            raise EmbeddedPostgresError(
                f"the embedded PostgreSQL cannot use its files: {error}; "
                "make them accessible, choose another ASSAY_DATA_DIR, or set ASSAY_DATABASE_URL"
            ) from error
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Stop the server when it is ours, within a bounded time; leave another's alone."""
        process, self._process = self._process, None
        if process is not None:
            self._files.remove("socket")
            await asyncio.to_thread(stop_child, process)
        if self._run is not None and self._run.parent != self.folder:
            shutil.rmtree(self._run, ignore_errors=True)  # at worst an empty folder stays
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _settle(self) -> None:
        """Decide where the files lie and whose they are, and make the folder."""
        if os.geteuid() == 0:
            self._asked.parent.mkdir(parents=True, exist_ok=True)
            if not admits(self._asked.parent, self._owner):
                elsewhere = shared_folder() / digest(str(self._asked))
                self._owner = choose_owner(elsewhere / "data")
                self._files = PrivateFolder(elsewhere, self._owner)
        self._files.make()

    async def _serve_or_attach(self) -> str:
        """Own the server when nobody does; else wait for its owner's, until the owner is gone."""
        deadline = time.monotonic() + _START_TIMEOUT_SECONDS
        while time.monotonic() < deadline:
            self._lock = self._files.lock("lock")
            if self._lock is not None:
                return await self._serve()
            url = await self._attach()
            if url is not None:
                self.attached = True
                return url
            await asyncio.sleep(_POLL_SECONDS)
        raise EmbeddedPostgresError(
            f"another process holds {self.folder}, but its PostgreSQL did not answer within "
            f"{_START_TIMEOUT_SECONDS:.0f} s: end that process"
        )

    async def _attach(self) -> str | None:
        """Return the URL of the server that the lock's holder runs; None while it is not up."""
        recorded = self._files.read("socket")
        if recorded is None:
            return None
        try:
            connection = await self._connect(Path(recorded), self._database)
        except _NOT_YET:
            return None
        await connection.close()
        return self._url(Path(recorded))

    async def _serve(self) -> str:
        """Start the server, as the holder of the lock."""
        recorded = self._files.read("socket")
        self._files.remove("socket")  # nobody shall attach to what an earlier owner left
        await asyncio.to_thread(stop_left_over, self.folder / "data")
        found = (self._binaries or find_binaries()).resolve()
        binaries = reachable_binaries(found, self._owner)
        await self._ensure_data(binaries)
        self._run = run = self._socket_folder(recorded)
        quoted = str(run).replace('"', '""')
        settings = {**_SETTINGS, "unix_socket_directories": f'"{quoted}"'}
        settings |= _THROWAWAY if self._throwaway else {}
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        self._process = self._spawn(binaries / "postgres", "-D", self.folder / "data", *options)
        await self._ready(self._process, run)
        self._files.write("socket", str(run))
        return self._url(run)

    async def _ensure_data(self, binaries: Path) -> None:
        """Make the data folder, or verify that this PostgreSQL can read it."""
        data = self.folder / "data"
        if not (data / "PG_VERSION").exists():
            await self._make_data(binaries, data)
            return
        wrote, runs = (data / "PG_VERSION").read_text().strip(), major_version(binaries)
        if wrote != runs:
            raise EmbeddedPostgresError(
                f"{data} was written by PostgreSQL {wrote}, but {binaries} is PostgreSQL {runs}: "
                f"install {wrote}, or move {self.folder} away and begin anew"
            )

    async def _make_data(self, binaries: Path, data: Path) -> None:
        """Run initdb in a folder of another name, and rename it when all is done.

        One that was interrupted leaves only that folder, and the next start removes it.
        """
        for interrupted in self.folder.glob("data.*"):
            shutil.rmtree(interrupted)
        fresh = tempfile.mkdtemp(prefix="data.", dir=self.folder)
        PrivateFolder(Path(fresh), self._owner).make()
        self._files.write("password", secrets.token_urlsafe(24))
        options = ["--auth=scram-sha-256", "--encoding=UTF8", "--no-locale", f"--username={_USER}"]
        options += ["--no-sync"] if self._throwaway else []
        options += [f"--pwfile={self.folder / 'password'}", f"--pgdata={fresh}"]
        process = self._spawn(binaries / "initdb", *options)
        try:
            code = await asyncio.to_thread(process.wait)
        finally:
            process.kill()  # when we were cancelled; of no effect on one that has ended
        if code != 0:
            raise EmbeddedPostgresError(f"initdb failed:\n{self._last_words()}")
        os.rename(fresh, data)

    def _socket_folder(self, recorded: str | None) -> Path:
        """Return a private folder for the socket: ours, else a temporary one with a shorter path."""
        run = self.folder / "run"
        if _fits(run):
            PrivateFolder(run, self._owner).make()
            return run
        if recorded is not None and PrivateFolder(Path(recorded), self._owner).is_made():
            return Path(recorded)
        temporary = Path(tempfile.mkdtemp(prefix="assay-"))
        PrivateFolder(temporary, self._owner).make()
        if _fits(temporary) and admits(temporary, self._owner):
            return temporary
        temporary.rmdir()
        raise EmbeddedPostgresError(
            f"no place for PostgreSQL's socket: {run} is longer than "
            f"{_SOCKET_PATH_MAX_BYTES} bytes allow or has a comma, and {temporary.parent} "
            "is no better; choose another ASSAY_DATA_DIR or TMPDIR"
        )

    def _spawn(self, program: Path, *arguments: str | Path) -> subprocess.Popen[bytes]:
        """Start a program of PostgreSQL that ends with us and writes to the log."""
        owner = (str(self._owner.uid), str(self._owner.gid))
        launcher = [sys.executable, "-I", "-S", tether.__file__, str(os.getpid()), *owner]
        log = self._files.open("log", os.O_WRONLY | os.O_APPEND)
        try:
            return subprocess.Popen(  # noqa: S603
                [*launcher, program, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.folder,
                env=_ENVIRONMENT,
            )
        finally:
            os.close(log)

    async def _ready(self, process: subprocess.Popen[bytes], run: Path) -> None:
        """Wait until the server answers, and make the database when it is not there."""
        deadline = time.monotonic() + _START_TIMEOUT_SECONDS
        while process.poll() is None and time.monotonic() < deadline:
            try:
                connection = await self._connect(run, self._database)
            except asyncpg.InvalidCatalogNameError:
                connection = await self._connect(run, "postgres")
                await connection.execute(f'CREATE DATABASE "{self._database}"')
            except _NOT_YET:
                await asyncio.sleep(_POLL_SECONDS)
                continue
            await connection.close()
            return
        raise EmbeddedPostgresError(f"PostgreSQL did not start:\n{self._last_words()}")

    async def _connect(self, run: Path, database: str) -> asyncpg.Connection:
        return await asyncpg.connect(
            host=str(run),
            port=_PORT,
            user=_USER,
            password=self._password(),
            database=database,
            timeout=_START_TIMEOUT_SECONDS,
        )

    def _password(self) -> str:
        password = self._files.read("password")
        if password is None:
            raise EmbeddedPostgresError(
                f"{self.folder / 'password'} is gone, and with it the way into the data: "
                f"restore it, or move {self.folder} away and begin anew"
            )
        return password

    def _url(self, run: Path) -> str:
        url = URL.create(
            "postgresql+asyncpg",
            username=_USER,
            password=self._password(),
            database=self._database,
            query={"host": str(run), "port": str(_PORT)},
        )
        return url.render_as_string(hide_password=False)

    def _last_words(self) -> str:
        return "\n".join((self._files.read("log") or "").splitlines()[-10:])


def _fits(run: Path) -> bool:
    """Whether a socket may lie in a folder; SQLAlchemy takes a comma for a list of hosts."""
    path = os.fsencode(run / f".s.PGSQL.{_PORT}")
    return len(path) <= _SOCKET_PATH_MAX_BYTES and b"," not in path
