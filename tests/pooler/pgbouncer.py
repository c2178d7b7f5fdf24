"""A real PgBouncer before the tests' PostgreSQL: started, ended and started again by a test."""

import asyncio
import os
import shutil
import subprocess
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from enum import StrEnum
from pathlib import Path
from typing import Final

import asyncpg
from sqlalchemy import URL, make_url

from tests.support.processes import free_port

# Debian keeps it where only root looks.
_PATH: Final = f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/usr/local/sbin"
_START_SECONDS: Final = 20.0
_POLL_SECONDS: Final = 0.02
_NOBODY: Final = 65_534


class PoolMode(StrEnum):
    """When PgBouncer takes a connection to PostgreSQL away from a client."""

    SESSION = "session"
    TRANSACTION = "transaction"
    STATEMENT = "statement"


# In transaction mode a few connections, taken in turn: each transaction meets another one. In
# session mode every client keeps one of its own for as long as it stays.
_SIZES: Final = {
    PoolMode.SESSION: {"default_pool_size": "40"},
    PoolMode.TRANSACTION: {
        "default_pool_size": "4",
        "min_pool_size": "4",
        "server_round_robin": "1",
    },
    PoolMode.STATEMENT: {"default_pool_size": "4"},
}


class PgBouncer:
    """One PgBouncer on a port of its own; whoever reaches PostgreSQL by it has `url`."""

    def __init__(self, database_url: str, mode: PoolMode, folder: Path, **settings: str) -> None:
        self._server = make_url(database_url)
        self.mode = mode
        self._folder = folder
        self._port = free_port()
        self._settings = _SIZES[mode] | settings
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where the database is, by way of PgBouncer."""
        return self._url(self._server.database or "")

    def log(self) -> str:
        """Return what PgBouncer had to say."""
        return (self._folder / "log").read_text()

    async def start(self) -> None:
        """Start it, or start it again, and wait until it lets clients in."""
        self._process = process = self._spawn()
        async with asyncio.timeout(_START_SECONDS):
            while not await self._answers():
                assert process.poll() is None, self.log()
                await asyncio.sleep(_POLL_SECONDS)

    def end(self) -> None:
        """End it at once, as a crash does."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(timeout=10)
            self._process = None

    async def tell(self, command: str) -> None:
        """Give an administrator's command, such as `PAUSE`."""
        url = make_url(self._url("pgbouncer")).set(drivername="postgresql")
        connection = await asyncpg.connect(
            url.render_as_string(hide_password=False), statement_cache_size=0
        )
        try:
            await connection.execute(command)  # the console knows the simple protocol alone
        finally:
            await connection.close()

    def _spawn(self) -> subprocess.Popen[bytes]:
        """Start it as whoever may enter the folder of PostgreSQL's socket; root it refuses."""
        owner = self._write()
        with (self._folder / "log").open("ab") as log:
            return subprocess.Popen(  # noqa: S603
                [_program(), str(self._folder / "pgbouncer.ini")],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                user=owner,
                group=owner,
                extra_groups=None if owner is None else [],
            )

    def _url(self, database: str) -> str:
        return URL.create(
            "postgresql+asyncpg",
            username=self._server.username,
            password=self._server.password,
            host="127.0.0.1",
            port=self._port,
            database=database,
        ).render_as_string(hide_password=False)

    def _write(self) -> int | None:
        """Write its files; return whose they are, when that is not who we are."""
        host = str(self._server.query.get("host", self._server.host))
        port = str(self._server.query.get("port", self._server.port or 5432))
        users = self._folder / "users.txt"
        users.write_text(f'"{self._server.username}" "{self._server.password}"\n')
        settings = {
            "pool_mode": self.mode.value,
            "listen_addr": "127.0.0.1",
            "listen_port": str(self._port),
            "unix_socket_dir": "",
            "auth_type": "scram-sha-256",
            "auth_file": str(users),
            "admin_users": str(self._server.username),
        } | self._settings
        lines = [
            "[databases]",
            f"* = host={host} port={port}",
            "[pgbouncer]",
            *(f"{name} = {value}" for name, value in settings.items()),
        ]
        (self._folder / "pgbouncer.ini").write_text("\n".join(lines) + "\n")
        (self._folder / "log").touch()
        if os.geteuid() != 0:
            return None
        owner = Path(host).stat().st_uid if host.startswith("/") else _NOBODY
        for file in (self._folder, *self._folder.iterdir()):
            os.chown(file, owner, -1)
        return owner

    async def _answers(self) -> bool:
        try:
            await self.tell("SHOW VERSION")
        except OSError:
            return False
        return True


def _program() -> str:
    found = shutil.which("pgbouncer", path=_PATH)
    assert found is not None, "needs pgbouncer (Debian's package of that name)"
    return found


@asynccontextmanager
async def open_pgbouncer(
    database_url: str, mode: PoolMode, **settings: str
) -> AsyncIterator[PgBouncer]:
    """Run a PgBouncer before a database, beside the body."""
    folder = Path(tempfile.mkdtemp(prefix="assay-pgbouncer-"))
    pgbouncer = PgBouncer(database_url, mode, folder, **settings)
    try:
        await pgbouncer.start()
        yield pgbouncer
    finally:
        pgbouncer.end()
        shutil.rmtree(folder)
