"""A process that has imported Assay once, and forks whatever process a test starts.

    python -m tests.support.fork_server SOCKET

A command of Assay takes seconds of CPU to import what it runs on, and tests start dozens. What is
forked is a process like any other: it has an environment, a folder, standard streams and signals of
its own, and runs its module as `python -m` does. The server ends when its standard input does.
"""

import atexit
import contextlib
import json
import os
import runpy
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import traceback
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any, Final

# What the commands that tests start import, from the largest on.
_IMPORTED: Final = (
    "app.main",
    "app.cli.serving",
    "app.cli.dev",
    "app.cli.sandbox",
    "app.cli.migrating",
    "app.cli.audit",
    "app.cli.lists",
)
_ROOT: Final = Path(__file__).parents[2]
_STREAMS: Final = 3
_REQUEST_BYTES: Final = 128 * 1024
_MOST_OPEN: Final = 1024


class ForkedProcess:
    """A process that the server has forked, with the part of `subprocess.Popen` that tests use."""

    def __init__(self, pid: int, ended: socket.socket) -> None:
        """Take its id, and a socket on which its exit status comes as a line."""
        self.pid = pid
        self.returncode: int | None = None
        self._ended = ended

    def poll(self) -> int | None:
        """Return the exit status as `Popen` does, None while it runs."""
        return self._read(0)

    def wait(self, timeout: float | None = None) -> int:
        """Wait for the end. Raises subprocess.TimeoutExpired after so many seconds."""
        status = self._read(timeout)
        if status is None:
            raise subprocess.TimeoutExpired(f"process {self.pid}", timeout or 0)
        return status

    def send_signal(self, number: int) -> None:
        """Send a signal, if it still runs."""
        if self.poll() is None:
            with contextlib.suppress(ProcessLookupError):  # it ends this very moment
                os.kill(self.pid, number)

    def _read(self, timeout_seconds: float | None) -> int | None:
        if self.returncode is None and select.select([self._ended], [], [], timeout_seconds)[0]:
            self.returncode = int(self._ended.recv(64))
            self._ended.close()
        return self.returncode


class ForkServer:
    """The server, as whoever starts it sees it."""

    def __init__(self) -> None:
        """Start a server, which imports nothing before it is asked."""
        self._folder = Path(tempfile.mkdtemp(prefix="assay-forks-"))
        self.address = str(self._folder / "socket")
        self._process = subprocess.Popen(  # noqa: S603
            [sys.executable, "-m", __name__, self.address],
            cwd=_ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        assert self._process.stdout is not None
        self._process.stdout.readline()  # it listens

    def stop(self) -> None:
        """End the server; what it forked goes on."""
        self._process.communicate()
        shutil.rmtree(self._folder)


def start(
    address: str,
    words: list[str],
    *,
    module: str,
    environment: Mapping[str, str],
    folder: Path,
    streams: tuple[int, int, int],
) -> ForkedProcess:
    """Let the server at `address` fork a process that runs a module with these words.

    `streams` are the file descriptors of its standard input, output and error.
    """
    request = {"module": module, "words": words, "env": dict(environment), "cwd": str(folder)}
    ours, theirs = socket.socketpair()
    with theirs, socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as asking:
        asking.connect(address)
        socket.send_fds(asking, [json.dumps(request).encode()], [*streams, theirs.fileno()])
        return ForkedProcess(int(asking.recv(64)), ours)


def _serve(address: str) -> None:
    """Fork a process for each request until standard input ends."""
    woken, wakes = os.pipe()
    os.set_blocking(wakes, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # of whoever stops the tests at a terminal
    signal.set_wakeup_fd(wakes, warn_on_full_buffer=False)
    children: dict[int, socket.socket] = {}
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
        listener.bind(address)
        listener.listen(64)
        print("listening", flush=True)  # noqa: T201
        while True:
            ready = select.select([listener, woken, sys.stdin], [], [])[0]
            if woken in ready:
                os.read(woken, 4096)
                _tell_ends(children)
            if listener in ready:
                _answer(listener, children)
            if sys.stdin in ready:
                return


def _tell_ends(children: dict[int, socket.socket]) -> None:
    """Send the exit statuses of those that have ended to those who started them."""
    while children:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if pid == 0:
            return
        with children.pop(pid) as ended, contextlib.suppress(OSError):
            ended.send(str(os.waitstatus_to_exitcode(status)).encode())


def _answer(listener: socket.socket, children: dict[int, socket.socket]) -> None:
    asking, _ = listener.accept()
    with asking:
        said, handles, _, _ = socket.recv_fds(asking, _REQUEST_BYTES, _STREAMS + 1)
        for module in _IMPORTED:
            import_module(module)
        pid = os.fork()
        if pid == 0:
            _become(json.loads(said), handles)
        for handle in handles[:_STREAMS]:
            os.close(handle)
        children[pid] = socket.socket(fileno=handles[_STREAMS])
        asking.send(str(pid).encode())


def _become(request: dict[str, Any], handles: list[int]) -> None:
    """Be the process that was asked for, and end as Python does."""
    status = 1
    try:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        for number, handle in enumerate(handles[:_STREAMS]):
            os.dup2(handle, number)
        os.closerange(_STREAMS, _MOST_OPEN)  # nothing here closes them again before the end
        os.environ.clear()
        os.environ.update(request["env"])
        os.chdir(request["cwd"])
        sys.argv = [request["module"], *request["words"]]
        runpy.run_module(request["module"], run_name="__main__", alter_sys=True)
        status = 0
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:  # as Python shows what nobody has caught
        traceback.print_exc()
    finally:
        threading._shutdown()  # type: ignore[attr-defined]
        atexit._run_exitfuncs()
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        os._exit(status)


if __name__ == "__main__":
    _serve(sys.argv[1])
