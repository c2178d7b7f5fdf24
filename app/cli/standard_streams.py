"""Standard input, output and error that are closed, broken or full: a command ends with a reason."""

import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

# Standard output is opened so that writing fails: what a command prints must not be lost unseen.
_MODES: Final = (os.O_RDONLY, os.O_RDONLY, os.O_WRONLY)
_STDOUT, _STDERR = 1, 2
_NOT_WRITTEN: Final = (errno.EBADF, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.ENOSPC)


def open_missing() -> None:
    """Open /dev/null in the place of each standard stream that is closed.

    The next file or connection would get its number otherwise: a log line might go to the database,
    and libuv ends the process when it has to close such a connection.
    """
    for number, mode in enumerate(_MODES):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, mode)  # the lowest number that is free: this one
    if sys.stdout is None:
        sys.stdout = os.fdopen(_STDOUT, "w", closefd=False)
    if sys.stderr is None:
        sys.stderr = os.fdopen(_STDERR, "w", buffering=1, closefd=False)


@contextmanager
def failures_said() -> Iterator[None]:
    """End the command with status 1, and one line, where its output could not be written.

    A pipe whose reader has gone, such as `head`, gets the status without a line.
    """
    try:
        try:
            yield
        finally:
            sys.stdout.flush()
    except OSError as fault:
        if fault.errno not in (*_NOT_WRITTEN, errno.EPIPE) or fault.filename is not None:
            raise
        _drop(_STDOUT)
        if fault.errno != errno.EPIPE:
            _say(f"The output could not be written: {os.strerror(fault.errno)}\n")
        raise SystemExit(1) from None
    finally:
        _say("")


def _say(text: str) -> None:
    try:
        sys.stderr.write(text)
        sys.stderr.flush()
    except OSError:  # nowhere is left to say it: the status does
        _drop(_STDERR)


def _drop(number: int) -> None:
    """Let what is left of a stream go nowhere: Python would try to write it again at the exit."""
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, number)
    os.close(null)
