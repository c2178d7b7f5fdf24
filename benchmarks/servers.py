"""Server processes: started, watched until they answer, measured and stopped."""

import asyncio
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import httpx

ROOT: Final = Path(__file__).parents[1]
_PORTS: Final = range(12_000, 30_000)  # below those that the kernel gives to connections
_START_SECONDS: Final = 60.0
_POLL_SECONDS: Final = 0.01
_STOP_SECONDS: Final = 15
_CPU_CLOCK: Final = 2  # CPUCLOCK_SCHED of Linux: user and system time of a process


class ServerFailed(Exception):
    """A server did not start or has ended; the message has its last words."""


@dataclass(frozen=True)
class Server:
    """A process that serves HTTP, with the processes that it started."""

    name: str
    base_url: str
    process: subprocess.Popen[bytes]
    output: Path

    def processes(self) -> list[int]:
        """Return the process and its children, which a server with workers has."""
        main = self.process.pid
        children = Path(f"/proc/{main}/task/{main}/children").read_text().split()
        return [main, *map(int, children)]

    def cpu_seconds(self) -> float:
        """Return user and system time of the server so far."""
        return sum(cpu_seconds_of(pid) for pid in self.processes())

    def resident_mb(self) -> float:
        """Return the resident memory of the largest of its processes, in MB."""
        return max(resident_mb_of(pid) for pid in self.processes())

    def check_alive(self) -> None:
        """Raise ServerFailed when it has ended."""
        if self.process.poll() is not None:
            raise ServerFailed(f"{self.name} ended:\n{self.output.read_text()[-2000:]}")


def cpu_seconds_of(pid: int) -> float:
    """Return user and system time of a process, to the nanosecond (clock_getcpuclockid(3))."""
    return time.clock_gettime(~pid << 3 | _CPU_CLOCK)


def resident_mb_of(pid: int) -> float:
    """Return the resident memory of a process in MB, as proc(5) says."""
    status = Path(f"/proc/{pid}/status").read_text()
    kilobytes = status.partition("VmRSS:")[2].split(maxsplit=1)[0]
    return int(kilobytes) * 1024 / 1e6


def free_port() -> int:
    """Return a port of loopback that nobody listens on."""
    while True:
        port = secrets.choice(_PORTS)
        with socket.socket() as listener:
            try:
                listener.bind(("127.0.0.1", port))
            except OSError:
                continue
        return port


def clean_environment(settings: Mapping[str, str]) -> dict[str, str]:
    """Return this process's environment with these settings of Assay and no other."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ASSAY_")}
    return kept | {"PYTHONPATH": str(ROOT)} | dict(settings)


@asynccontextmanager
async def serving(
    name: str,
    command: Sequence[str],
    *,
    folder: Path,
    port: int,
    environment: Mapping[str, str],
    ready: str,
) -> AsyncIterator[Server]:
    """Run a server beside the body, once a GET of the path `ready` succeeds. Raises ServerFailed."""
    output = folder / f"{name}.log"
    process = _start(command, folder, environment, output)
    server = Server(name, f"http://127.0.0.1:{port}", process, output)
    try:
        await until_ready(server, ready)
        yield server
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            try:
                await asyncio.to_thread(process.wait, _STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                await asyncio.to_thread(process.wait)


def _start(
    command: Sequence[str], folder: Path, environment: Mapping[str, str], output: Path
) -> subprocess.Popen[bytes]:
    with output.open("ab") as stream:
        return subprocess.Popen(  # noqa: S603
            command,
            env=dict(environment),
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=subprocess.STDOUT,
        )


async def until_ready(server: Server, path: str) -> None:
    """Wait until a GET of the path succeeds. Raises ServerFailed."""
    deadline = time.monotonic() + _START_SECONDS
    async with httpx.AsyncClient(trust_env=False, timeout=_START_SECONDS) as http:
        while time.monotonic() < deadline:
            server.check_alive()
            try:
                answer = await http.get(server.base_url + path)
            except httpx.TransportError:
                pass
            else:
                if answer.is_success:
                    return
            await asyncio.sleep(_POLL_SECONDS)
    words = server.output.read_text()[-2000:]
    raise ServerFailed(f"{server.name} was not ready within {_START_SECONDS:g} s:\n{words}")


def assay_command(*words: str) -> list[str]:
    """Return the command line of `assay WORDS` with this Python."""
    return [sys.executable, "-m", "app.cli", *words]
