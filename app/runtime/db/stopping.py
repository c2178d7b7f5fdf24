"""Stops servers within a bounded time: our own, and one that a killed owner left behind.

Everything here waits, so a caller on an event loop takes a thread for it.
"""

import os
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path
from typing import Final

from app.runtime.db.binaries import EmbeddedPostgresError

# How to stop a postmaster and how many seconds to wait for it: fast (sessions are ended, a
# checkpoint is written), then immediate (the next start recovers from the log).
_WAYS: Final = ((signal.SIGINT, 10.0), (signal.SIGQUIT, 10.0))
_POLL_SECONDS: Final = 0.01


def stop_child(process: subprocess.Popen[bytes]) -> None:
    """Stop a server that is a child of ours and reap it."""
    for how, seconds in _WAYS:
        process.send_signal(how)
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            continue
        return
    process.kill()
    process.wait()


def stop_left_over(data: Path) -> None:
    """Stop the server that still runs on `data` after its owner, if there is one.

    Raises EmbeddedPostgresError when it does not stop.
    """
    for how, seconds in _WAYS:
        pid = _left_over(data)
        if pid is None:
            return
        with suppress(ProcessLookupError):  # it ended just now
            os.kill(pid, how)
        deadline = time.monotonic() + seconds
        while _left_over(data) is not None and time.monotonic() < deadline:
            time.sleep(_POLL_SECONDS)
    if (pid := _left_over(data)) is not None:
        raise EmbeddedPostgresError(f"process {pid} still serves {data} and does not stop: end it")


def _left_over(data: Path) -> int | None:
    """Return the pid of a living server on `data`, not of a process that has its number now."""
    try:
        pid = int((data / "postmaster.pid").read_text().partition("\n")[0])
    except (FileNotFoundError, ValueError):
        return None
    return pid if os.fsencode(data) in _command_line(pid) else None


def _command_line(pid: int) -> bytes:
    """Return a process's command line; empty when there is none or it has ended unreaped."""
    if not Path("/proc/self").exists():
        listing = ["/bin/ps", "-ww", "-o", "command=", "-p", str(pid)]  # macOS
        return subprocess.run(listing, capture_output=True, check=False).stdout  # noqa: S603
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return b""
