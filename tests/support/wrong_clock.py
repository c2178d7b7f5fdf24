"""Processes that read another time than the machine's, by libfaketime."""

import shutil
import subprocess
from pathlib import Path
from typing import Final

_SHARED_MEMORY: Final = Path("/dev/shm")  # noqa: S108  where libfaketime puts it


def shifted(by: str) -> dict[str, str]:
    """Return the environment in which a process reads another time; `by` is such as `+1h`.

    The wall clock alone is shifted: the monotonic clock, which timers of the event loop go by, is
    nobody's to set.
    """
    faketime = shutil.which("faketime")
    assert faketime is not None, "needs faketime (Debian's package of that name)"
    done = subprocess.run(  # noqa: S603
        [faketime, "-f", by, "env"], capture_output=True, text=True, check=True
    )
    [library] = [line for line in done.stdout.splitlines() if line.startswith("LD_PRELOAD=")]
    return {
        "LD_PRELOAD": library.partition("=")[2],
        "FAKETIME": by,
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }


def remove_left_behind() -> None:
    """Remove the shared memory of processes that were killed before they could."""
    for file in _SHARED_MEMORY.glob("*faketime_*"):
        if not Path("/proc", file.name.rpartition("_")[2]).exists():
            file.unlink(missing_ok=True)
