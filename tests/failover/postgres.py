"""PostgreSQL servers on ports of this machine, which a test copies, kills, promotes and fills."""

import asyncio
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import Any, Final

import asyncpg

from app.runtime.db.binaries import choose_owner, find_binaries, reachable_binaries
from tests.support.processes import free_port

_USER: Final = "assay"
_START_SECONDS: Final = 30.0
_POLL_SECONDS: Final = 0.02
_NOT_YET: Final = (OSError, asyncpg.CannotConnectNowError)


class Postgres:
    """One server with a data folder of its own; whoever connects from this machine is let in."""

    def __init__(self, folder: Path) -> None:
        """Prepare a server that keeps its files in `folder`, which is given to its user."""
        self.port = free_port()
        self.folder = folder
        self._owner = choose_owner(folder)
        self._binaries = reachable_binaries(find_binaries(), self._owner)
        self._process: subprocess.Popen[bytes] | None = None
        folder.chmod(0o700)
        os.chown(folder, self._owner.uid, self._owner.gid)

    def own(self, folder: Path) -> Path:
        """Make a folder that the server may use; return it."""
        folder.mkdir()
        os.chown(folder, self._owner.uid, self._owner.gid)
        return folder

    def make(self) -> None:
        """Make an empty cluster."""
        self._run("initdb", "--auth=trust", "--no-sync", "--encoding=UTF8", f"--username={_USER}")

    def take(self, made: "Postgres") -> None:
        """Begin with the files of a server that has ended."""
        words = ["cp", "--archive", str(made.folder / "data"), str(self.folder / "data")]
        subprocess.run(words, check=True)  # noqa: S603

    def copy(self, primary: "Postgres") -> None:
        """Become a hot standby of another server, by a copy of all that it has."""
        source = ["--host=127.0.0.1", f"--port={primary.port}", f"--username={_USER}"]
        self._run(
            "pg_basebackup", *source, "--write-recovery-conf", "--checkpoint=fast", "--no-sync"
        )

    async def start(self) -> None:
        """Start the server, and wait until it answers."""
        settings = {"listen_addresses": "127.0.0.1", "port": self.port, "fsync": "off"}
        settings |= {"unix_socket_directories": "", "max_connections": 40}
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        self._process = self._spawn("postgres", *options)
        async with asyncio.timeout(_START_SECONDS):
            while not await self._answers():
                assert self._process.poll() is None, self.log()
                await asyncio.sleep(_POLL_SECONDS)

    def end(self, number: signal.Signals = signal.SIGQUIT) -> None:
        """End it: SIGQUIT at once, as a crash does, SIGINT in good order."""
        process, self._process = self._process, None
        if process is not None:
            process.send_signal(number)
            process.wait(timeout=_START_SECONDS)

    def has_ended(self) -> bool:
        """Say whether it ended by itself."""
        return self._process is None or self._process.poll() is not None

    async def ask(self, statement: str, database: str = "postgres") -> Any:  # noqa: ANN401  a value
        """Run a statement; return the first value that it finds."""
        connection = await asyncpg.connect(
            host="127.0.0.1", port=self.port, user=_USER, database=database
        )
        try:
            return await connection.fetchval(statement)
        finally:
            await connection.close()

    def log(self) -> str:
        """Return what the server had to say."""
        return (self.folder / "log").read_text()

    async def _answers(self) -> bool:
        try:
            await self.ask("SELECT 1")
        except _NOT_YET:
            return False
        return True

    def _run(self, program: str, *arguments: str) -> None:
        assert self._spawn(program, *arguments).wait(timeout=60) == 0, self.log()

    def _spawn(self, program: str, *arguments: str) -> subprocess.Popen[bytes]:
        with (self.folder / "log").open("ab") as log:
            return subprocess.Popen(  # noqa: S603
                [self._binaries / program, "-D", self.folder / "data", *arguments],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.folder,
                env={"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"},
                user=self._owner.uid,
                group=self._owner.gid,
                extra_groups=[] if os.geteuid() == 0 else None,
            )


def url_of(*servers: Postgres, **parameters: str) -> str:
    """Return the URL of the database `assay` on whichever of these servers."""
    hosts = ",".join(f"127.0.0.1:{server.port}" for server in servers)
    asked = "&".join(f"{name}={value}" for name, value in parameters.items())
    return f"postgresql+asyncpg://{_USER}@{hosts}/assay?{asked}".rstrip("?")


@contextmanager
def folder_of_server(under: Path | None = None) -> Iterator[Path]:
    """Lend a folder that a server's user may reach, whoever runs the tests."""
    folder = Path(tempfile.mkdtemp(prefix="assay-postgres-", dir=under))
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


@asynccontextmanager
async def running(server: Postgres) -> AsyncIterator[Postgres]:
    """Run a server beside the body, if it was not ended there."""
    try:
        await server.start()
        yield server
    finally:
        with suppress(subprocess.TimeoutExpired):
            server.end()


@contextmanager
def small_disk(megabytes: int) -> Iterator[Path]:
    """Mount a file system of so many megabytes beside the body, as only root may."""
    assert os.geteuid() == 0, "needs root, to mount a small file system"
    with folder_of_server() as place:
        _mount("mount", "-t", "tmpfs", "-o", f"size={megabytes}m,mode=0711", "tmpfs", str(place))
        try:
            yield place
        finally:
            _mount("umount", "--lazy", str(place))


def _mount(*words: str) -> None:
    subprocess.run(words, check=True)  # noqa: S603


def fill(disk: Path) -> Path:
    """Write a file until the disk is full; return its path."""
    filler = disk / "filler"
    block = b"\0" * 65_536
    with filler.open("wb", buffering=0) as file, suppress(OSError):
        while file.write(block) == len(block):
            pass
    return filler
