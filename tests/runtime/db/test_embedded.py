"""The embedded PostgreSQL, with real servers and real processes."""

import asyncio
import fcntl
import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import asyncpg
import pytest
from sqlalchemy import make_url

from app.runtime.db.binaries import SHARED
from app.runtime.db.embedded import EmbeddedPostgres, EmbeddedPostgresError
from tests.support.databases import connect

CHECKOUT = Path(__file__).parents[3]
IS_ROOT = os.geteuid() == 0
# Starts or attaches, says which, then waits to be ended.
OTHER_PROCESS = """
import asyncio, sys
from pathlib import Path
from app.runtime.db.embedded import EmbeddedPostgres

async def main():
    server = EmbeddedPostgres(Path(sys.argv[1]), throwaway=True)
    url = await server.start()
    print("attached" if server.attached else "owner", url, flush=True)
    await asyncio.to_thread(sys.stdin.read)
    await server.stop()

asyncio.run(main())
"""


def _open_folder() -> Path:
    """Make a folder that any user may enter, which pytest's own temporary ones are not."""
    place = Path(tempfile.mkdtemp(prefix="assay-tests-"))
    place.chmod(0o755)
    return place


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder for one test."""
    place = _open_folder()
    yield place
    shutil.rmtree(place)


@pytest.fixture(scope="module")
async def state() -> AsyncIterator[Path]:
    """A state folder on which a server has once been started and stopped, for tests to share."""
    place = _open_folder()
    async with EmbeddedPostgres(place / "with blank ü", throwaway=True):
        pass
    yield place / "with blank ü"
    shutil.rmtree(place)


@pytest.fixture
def own_state(state: Path, folder: Path) -> Path:
    """A copy of such a folder, for a test that changes it."""
    subprocess.run(["/bin/cp", "-a", state, folder / "state"], check=True)  # noqa: S603
    return folder / "state"


@pytest.fixture
def long_state(own_state: Path) -> Path:
    """The same at a path too long for a socket."""
    return own_state.rename(own_state.with_name("x" * 100))


@pytest.fixture
def closed(folder: Path) -> Path:
    """A folder that only we may enter."""
    folder.chmod(0o700)
    return folder


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def _user(path: Path) -> int:
    return path.stat().st_uid


def _entries(folder: Path) -> set[Path]:
    return set(folder.iterdir())


def _postmaster(state: Path) -> int:
    return int((state / "data" / "postmaster.pid").read_text().split("\n")[0])


def _is_alive(pid: int) -> bool:
    try:
        return "State:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False


def _wait_for_end(pid: int) -> None:
    deadline = time.monotonic() + 60
    while _is_alive(pid):
        assert time.monotonic() < deadline, f"process {pid} goes on"
        time.sleep(0.01)


def _other_process(state: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(  # noqa: S603
        [sys.executable, "-c", OTHER_PROCESS, str(state)],
        cwd=CHECKOUT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def _first_words(process: subprocess.Popen[str]) -> list[str]:
    assert process.stdout is not None
    return process.stdout.readline().split()


async def _ask(url: str, query: str) -> object:
    connection = await connect(url)
    try:
        return await connection.fetchval(query)
    finally:
        await connection.close()


async def test_only_the_owner_reaches_socket_and_password_and_nothing_listens_on_tcp(
    state: Path,
) -> None:
    async with EmbeddedPostgres(state, throwaway=True) as url:
        assert make_url(url).query["host"] == str(state / "run")
        assert [_mode(state), _mode(state / "run")] == [0o700, 0o700]
        assert [_mode(state / "password"), _mode(state / "log")] == [0o600, 0o600]
        assert await _ask(url, "SHOW listen_addresses") == ""
        assert await _ask(url, "SHOW timezone") == "UTC"
        assert await _ask(url, "SELECT current_database()") == "assay"


async def test_server_never_runs_as_root(state: Path) -> None:
    async with EmbeddedPostgres(state, throwaway=True):
        uid = _user(Path(f"/proc/{_postmaster(state)}"))
    assert uid != 0
    assert uid == _user(state)


async def test_data_outlive_the_server_and_a_warm_start_runs_only_the_server(
    own_state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[str] = []
    spawn = EmbeddedPostgres._spawn

    def noted(
        self: EmbeddedPostgres, program: Path, *arguments: str | Path
    ) -> subprocess.Popen[bytes]:
        started.append(program.name)
        return spawn(self, program, *arguments)

    monkeypatch.setattr(EmbeddedPostgres, "_spawn", noted)
    async with EmbeddedPostgres(own_state) as url:
        await _ask(url, "CREATE TABLE kept AS SELECT 42 AS answer")
    async with EmbeddedPostgres(own_state) as url:
        assert await _ask(url, "SELECT answer FROM kept") == 42
        assert await _ask(url, "SHOW fsync") == "on"
    assert started == ["postgres", "postgres"], "initdb makes nothing anew"


async def test_wrong_password_is_refused(state: Path) -> None:
    async with EmbeddedPostgres(state, throwaway=True) as url:
        wrong = make_url(url).set(password="wrong").render_as_string(hide_password=False)
        with pytest.raises(asyncpg.InvalidPasswordError):
            await connect(wrong)


async def test_environment_of_other_servers_is_not_ours(
    state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {"PGPORT": "1", "PGHOST": "elsewhere", "PGDATA": "/nowhere"}.items():
        monkeypatch.setenv(name, value)
    async with EmbeddedPostgres(state, throwaway=True) as url:
        assert await _ask(url, "SELECT 1") == 1


async def test_second_process_attaches_and_leaves_the_server_to_its_owner(state: Path) -> None:
    async with EmbeddedPostgres(state, throwaway=True) as url:
        with _other_process(state) as other:
            assert _first_words(other) == ["attached", url]
            other.communicate()
        assert other.returncode == 0
        assert await _ask(url, "SELECT 1") == 1


async def test_killed_owner_takes_the_server_along_and_the_next_start_finds_the_way_free(
    state: Path,
) -> None:
    with _other_process(state) as owner:
        role, url = _first_words(owner)
        assert role == "owner"
        postmaster = _postmaster(state)
        owner.kill()
    _wait_for_end(postmaster)
    async with EmbeddedPostgres(state, throwaway=True) as next_url:
        assert next_url == url
        assert await _ask(url, "SELECT 1") == 1


async def test_left_over_server_is_stopped_by_the_next_start(state: Path) -> None:
    """Where no signal tells of the parent's death, its server stays: here it is never told."""
    with _other_process(state) as owner:
        _first_words(owner)
        left_over = _postmaster(state)
        os.kill(left_over, signal.SIGSTOP)
        owner.kill()
    threading.Timer(0.05, os.kill, (left_over, signal.SIGCONT)).start()
    async with EmbeddedPostgres(state, throwaway=True) as url:
        assert not _is_alive(left_over)
        assert await _ask(url, "SELECT 1") == 1


async def test_starting_behind_an_owner_that_dies_becomes_the_owner(state: Path) -> None:
    with (state / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        server = EmbeddedPostgres(state, throwaway=True)
        starting = asyncio.create_task(server.start())
        await asyncio.sleep(0.02)
        assert not starting.done()
    url = await starting
    assert not server.attached
    assert await _ask(url, "SELECT 1") == 1
    await server.stop()


async def test_interrupted_initdb_is_made_anew(folder: Path) -> None:
    state = folder / "state"
    (state / "data.interrupted").mkdir(parents=True)
    (state / "data.interrupted" / "PG_VERSION").write_text("18\n")
    (state / "password").write_text("of the interrupted one")
    async with EmbeddedPostgres(state, throwaway=True) as url:
        assert await _ask(url, "SELECT 1") == 1
    assert not list(state.glob("data.*"))


async def test_path_too_long_for_a_socket_falls_back_to_a_private_temporary_folder(
    long_state: Path,
) -> None:
    async with EmbeddedPostgres(long_state, throwaway=True) as url:
        run = Path(str(make_url(url).query["host"]))
        assert run.parent == Path(tempfile.gettempdir())
        assert _mode(run) == 0o700
        other = EmbeddedPostgres(long_state, throwaway=True)
        assert await other.start() == url
        await other.stop()
        assert other.attached
        assert await _ask(url, "SELECT 1") == 1
    assert run not in _entries(Path(tempfile.gettempdir()))


async def test_as_root_a_closed_folder_sends_the_files_elsewhere(closed: Path) -> None:
    server = EmbeddedPostgres(closed / "below" / "state", throwaway=True)
    url = await server.start()
    assert await _ask(url, "SELECT 1") == 1
    await server.stop()
    if IS_ROOT:
        assert server.moved
        assert server.folder.parent == SHARED
        assert _mode(server.folder) == 0o700
        shutil.rmtree(server.folder)
    else:
        assert not server.moved
    assert _mode(closed) == 0o700


async def test_data_of_another_major_version_are_refused_and_untouched(own_state: Path) -> None:
    (own_state / "data" / "PG_VERSION").write_text("9\n")
    with pytest.raises(EmbeddedPostgresError, match=r"written by PostgreSQL 9, .* install 9"):
        await EmbeddedPostgres(own_state).start()
    assert (own_state / "data" / "PG_VERSION").read_text() == "9\n"


async def test_failed_start_gives_the_reason_and_frees_the_lock(own_state: Path) -> None:
    configuration = own_state / "data" / "postgresql.conf"
    good = configuration.read_text()
    configuration.write_text(f"{good}\nno_such_setting = 1\n")
    with pytest.raises(EmbeddedPostgresError, match="no_such_setting"):
        await EmbeddedPostgres(own_state, throwaway=True).start()
    configuration.write_text(good)
    async with EmbeddedPostgres(own_state, throwaway=True) as url:
        assert await _ask(url, "SELECT 1") == 1


async def test_lost_password_is_named(own_state: Path) -> None:
    (own_state / "password").unlink()
    with pytest.raises(EmbeddedPostgresError, match="password is gone"):
        await EmbeddedPostgres(own_state, throwaway=True).start()


async def test_planted_link_is_not_followed(own_state: Path, folder: Path) -> None:
    victim = folder / "victim"
    victim.write_text("untouched")
    (own_state / "log").unlink()
    (own_state / "log").symlink_to(victim)
    with pytest.raises(EmbeddedPostgresError, match="cannot use its files"):
        await EmbeddedPostgres(own_state, throwaway=True).start()
    assert victim.read_text() == "untouched"
    assert victim.stat().st_uid == os.geteuid()


async def test_start_is_refused_off_the_main_thread(state: Path) -> None:
    server = EmbeddedPostgres(state, throwaway=True)
    with pytest.raises(EmbeddedPostgresError, match="main thread"):
        await asyncio.to_thread(asyncio.run, server.start())
