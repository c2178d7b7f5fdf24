"""Real processes of Assay: started, killed and started again by a test."""

import asyncio
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any, Final

import httpx

from tests.support import fork_server
from tests.support.fork_server import ForkedProcess

# Nobody waits for so long but where a process hangs.
_PATIENCE_SECONDS: Final = 120.0
_POLL_SECONDS: Final = 0.05
_COMMAND_LINE: Final = "app.cli"


# Where the fork server of this run listens; without one a process imports everything by itself.
_fork_server: str | None = None


def fork_from(address: str) -> None:
    """Let processes be forked by the server at this address from now on."""
    global _fork_server  # noqa: PLW0603  one for all tests of a process
    _fork_server = address


# Below the ports that the kernel gives to connections: a server that is killed and started again
# must find its port free, whoever connected to whom meanwhile.
_PORTS: Final = range(12_000, 30_000)
_given_ports: Final[set[int]] = set()


def free_port() -> int:
    """Return a port that nobody listens on, and that this process never gave before."""
    while True:
        port = secrets.choice(_PORTS)
        if port in _given_ports:
            continue
        with socket.socket() as listener:
            try:
                listener.bind(("127.0.0.1", port))
            except OSError:
                continue
        _given_ports.add(port)
        return port


def environment(**settings: str) -> dict[str, str]:
    """Return this process's environment without its ASSAY_ settings, and with these.

    One buyer places the orders of a whole test: nothing limits how many of them are unpaid.
    """
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("ASSAY_")}
    return inherited | {"ASSAY_MAX_OPEN_ORDERS": "0"} | settings


def succeeds(answer: httpx.Response) -> bool:
    """Return whether an answer is of class 2xx."""
    return answer.is_success


class Process:
    """`assay COMMAND` in a folder of its own; what it prints is kept in a file.

    Another `module` than the command line's may be named, and gets the words of the command.
    """

    def __init__(
        self, *command: str, folder: Path, module: str = _COMMAND_LINE, **settings: str
    ) -> None:
        self._module, self._words = module, [*command]
        self._environment = environment(
            PYTHONPATH=str(Path(__file__).parents[2]), ASSAY_LOG_FORMAT="json", **settings
        )
        self._folder = folder
        self.output = folder / f"{module if module != _COMMAND_LINE else command[0]}.log"
        self._process: subprocess.Popen[bytes] | ForkedProcess | None = None

    def change(self, **settings: str) -> None:
        """Change settings for the next start."""
        self._environment |= settings

    def start(self) -> None:
        """Start the process, or start it again."""
        with self.output.open("ab") as output:
            self._process = self._spawn(self._module, self._words, output, output)

    def end(self, number: signal.Signals = signal.SIGKILL) -> int:
        """Send a signal, wait for the end, and return the exit status."""
        if self._process is None:
            return 0
        process, self._process = self._process, None
        process.send_signal(number)
        return process.wait(timeout=_PATIENCE_SECONDS)

    def wait(self) -> int:
        """Wait for the end of one that ends by itself; return its exit status."""
        if self._process is None:
            return 0
        process, self._process = self._process, None
        return process.wait(timeout=_PATIENCE_SECONDS)

    def send(self, number: signal.Signals) -> None:
        """Send a signal to the process, and go on at once."""
        if self._process is not None:
            self._process.send_signal(number)

    @property
    def lives(self) -> bool:
        """Whether it was started and has not ended."""
        return self._process is not None and self._process.poll() is None

    async def until_ready(
        self, url: str, is_ready: Callable[[httpx.Response], bool] = succeeds
    ) -> None:
        """Wait until the answer to a GET of `url` is one of readiness: by default, any success."""
        said = "nothing"
        try:
            async with (
                asyncio.timeout(_PATIENCE_SECONDS),
                httpx.AsyncClient(trust_env=False, timeout=60) as http,
            ):
                while True:
                    if self._process is None or self._process.poll() is not None:
                        raise AssertionError(f"it ended: {self.output.read_text()[-2000:]}")
                    try:
                        answer = await http.get(url)
                    except httpx.TransportError:
                        pass
                    else:
                        if is_ready(answer):
                            return
                        said = answer.text
                    await asyncio.sleep(_POLL_SECONDS)
        except TimeoutError as fault:
            raise AssertionError(f"{url} last said: {said}") from fault

    def run_json(self, *command: str) -> Any:  # noqa: ANN401  whatever JSON it prints
        """Run another command with the same settings, and read the JSON that it prints."""
        with tempfile.TemporaryFile() as printed, Path(os.devnull).open("wb") as nowhere:
            process = self._spawn(self._module, [*command, "--json"], printed, nowhere)
            process.wait(timeout=_PATIENCE_SECONDS)
            printed.seek(0)
            return json.loads(printed.read())

    def _spawn(
        self, module: str, words: list[str], output: IO[bytes], errors: IO[bytes]
    ) -> subprocess.Popen[bytes] | ForkedProcess:
        """Start a module; one that is to load a library before all others is started afresh."""
        if _fork_server is None or "LD_PRELOAD" in self._environment:
            return subprocess.Popen(  # noqa: S603
                [sys.executable, "-m", module, *words],
                env=self._environment,
                cwd=self._folder,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=errors,
            )
        with Path(os.devnull).open("rb") as nothing:
            return fork_server.start(
                _fork_server,
                words,
                module=module,
                environment=self._environment,
                folder=self._folder,
                streams=(nothing.fileno(), output.fileno(), errors.fileno()),
            )
