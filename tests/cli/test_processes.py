"""Processes whose standard streams are closed, full or broken, and whose open files run out."""

import asyncio
import json
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

import httpx
import pytest

from tests.support.application import BTC_DEST_ADDRESS
from tests.support.processes import environment, free_port

_PATIENCE_SECONDS: Final = 120.0
_ROOT: Final = Path(__file__).parents[2]
# A command that prints, and loads next to nothing.
_QUICK: Final = ("receipt-key", "create", "--json")


def _close(*numbers: int) -> Callable[[], None]:
    def close() -> None:
        for number in numbers:
            os.close(number)

    return close


def command(*words: str, **options: Any) -> subprocess.CompletedProcess[bytes]:  # noqa: ANN401
    """Run a command of `assay`, whose streams are given."""
    return subprocess.run(  # noqa: S603
        [sys.executable, "-m", "app.cli", *words],
        cwd=_ROOT,
        env=environment(),
        check=False,
        timeout=_PATIENCE_SECONDS,
        **options,
    )


def test_a_command_whose_output_is_closed_or_full_says_so_and_fails() -> None:
    closed = command(*_QUICK, stderr=subprocess.PIPE, preexec_fn=_close(1))
    with Path("/dev/full").open("wb") as full:
        filled = command("openapi", stdout=full, stderr=subprocess.PIPE)

    said = b"The output could not be written: "
    assert (closed.returncode, closed.stderr) == (1, said + b"Bad file descriptor\n")
    assert (filled.returncode, filled.stderr) == (1, said + b"No space left on device\n")


def test_a_command_has_a_status_when_all_its_streams_are_closed() -> None:
    assert command(*_QUICK, preexec_fn=_close(0, 1, 2)).returncode == 1
    assert command("nonsense", preexec_fn=_close(0, 1, 2)).returncode == 2
    with Path(os.devnull).open("wb") as null:
        assert command(*_QUICK, stdout=null, preexec_fn=_close(0, 2)).returncode == 0


@pytest.mark.parametrize("words", [_QUICK, ("--help",)])
def test_a_command_whose_reader_has_gone_ends_quietly(words: tuple[str, ...]) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    done = command(*words, stdout=writer, stderr=subprocess.PIPE)
    os.close(writer)

    assert (done.returncode, done.stderr) == (1, b"")


@contextmanager
def served(
    word: str,
    database_url: str,
    **options: Any,  # noqa: ANN401
) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """Start a server with these streams; yields it, and where it listens."""
    port = free_port()
    process = subprocess.Popen(  # noqa: S603
        [sys.executable, "-m", "app.cli", word],
        cwd=_ROOT,
        env=environment(
            ASSAY_DATABASE_URL=database_url.replace("+asyncpg", ""),
            ASSAY_BTC_DEST_ADDRESS=BTC_DEST_ADDRESS,
            ASSAY_AEONTO_BASE_URL="http://127.0.0.1:9/api/v2",
            ASSAY_LOG_FORMAT="json",
            ASSAY_PORT=str(port),
            ASSAY_RUN_WORKER="false",
        ),
        **options,
    )
    try:
        yield process, f"http://127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait()


async def until_served(process: subprocess.Popen[bytes], url: str) -> None:
    """Wait until the server answers. Raises AssertionError when it ends before."""
    async with (
        asyncio.timeout(_PATIENCE_SECONDS),
        httpx.AsyncClient(trust_env=False, timeout=60) as http,
    ):
        while True:
            assert process.poll() is None, f"it ended with {process.returncode}"
            with suppress(httpx.TransportError):
                if (await http.get(f"{url}/healthz")).is_success:
                    return
            await asyncio.sleep(0.05)


@contextmanager
def unwritable(why: str) -> Iterator[dict[str, Any]]:
    """Lend standard output and error that nobody can write to."""
    if why == "closed":
        yield {"preexec_fn": _close(0, 1, 2)}
    elif why == "full":
        with Path("/dev/full").open("wb") as full:
            yield {"stdout": full, "stderr": full}
    else:
        reader, writer = os.pipe()
        os.close(reader)
        yield {"stdout": writer, "stderr": writer}
        os.close(writer)


@pytest.mark.parametrize(
    ("word", "why"),
    [
        pytest.param("serve", "closed", marks=pytest.mark.long),
        pytest.param("serve", "full", marks=pytest.mark.long),
        ("serve", "without a reader"),
        ("worker", "closed"),
    ],
)
async def test_a_server_goes_on_without_its_log_and_stops_when_told(
    database_url: str, word: str, why: str
) -> None:
    with unwritable(why) as streams, served(word, database_url, **streams) as (process, url):
        await until_served(process, url)
        async with httpx.AsyncClient(base_url=url, trust_env=False, timeout=60) as http:
            answers = [await http.get(path) for path in ("/metrics", "/nothing", "/healthz")]
        assert [answer.status_code for answer in answers] == [200, 404, 200]

        process.send_signal(signal.SIGTERM)
        assert await asyncio.to_thread(process.wait, _PATIENCE_SECONDS) == 0


@pytest.fixture
async def crowded(database_url: str, tmp_path: Path) -> list[dict[str, Any]]:
    """The log of a server that may open 100 files, to which 200 have connected."""

    def lower() -> None:
        resource.setrlimit(resource.RLIMIT_NOFILE, (100, 100))

    output = tmp_path / "log"
    with (
        output.open("wb") as log,
        served("serve", database_url, stderr=log, preexec_fn=lower) as (process, url),
    ):
        await until_served(process, url)
        port = httpx.URL(url).port
        writers = []
        for _ in range(200):
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writers.append(writer)
        for writer in writers:
            writer.close()
        await until_served(process, url)
        process.send_signal(signal.SIGTERM)
        assert await asyncio.to_thread(process.wait, _PATIENCE_SECONDS) == 0
    return [json.loads(line) for line in output.read_bytes().splitlines()]


async def test_a_server_says_once_that_its_open_files_are_too_few_and_serves_again(
    crowded: list[dict[str, Any]],
) -> None:
    (low,) = [line for line in crowded if line["event"] == "open_files_low"]
    (full,) = [line for line in crowded if line["event"] == "connections_full"]

    assert (low["open_files"], low["connections"]) == (100, 36)
    assert (full["open_files"], full["connections"]) == (100, 36)
    assert "LimitNOFILE" in full["remedy"]
    assert "ulimit -n" in full["remedy"]
    assert [line for line in crowded if line["level"] == "error"] == [full]
