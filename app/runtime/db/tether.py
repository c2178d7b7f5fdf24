"""Runs a program as a given user, in a session of its own, that ends when its parent ends.

    python -I -S tether.py PARENT_PID UID GID PROGRAM ARGUMENT...

A program of its own, not a function between fork and exec: forking a process that has threads and
then running Python in the child can hang, and newer Pythons warn of it. The tie to the parent is
Linux only; elsewhere a server that is left over is stopped by the next start.
"""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1  # prctl(2)


def main(parent_pid: int, uid: int, gid: int, command: list[str]) -> None:
    """Replace this process by `command`; SIGINT reaches it when the parent is gone."""
    prctl = ctypes.CDLL(None).prctl if sys.platform == "linux" else None
    os.setsid()  # a Ctrl-C at the terminal is for the parent, which then stops us in order
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # Python ignores it, and exec would keep that
    if os.geteuid() == 0:
        os.setgroups([])
        os.setgid(gid)
        os.setuid(uid)
    if prctl is not None:
        prctl(_PR_SET_PDEATHSIG, signal.SIGINT)  # after setuid, which clears it
    if os.getppid() != parent_pid:
        sys.exit("tether: the parent ended first")
    os.execv(command[0], command)  # noqa: S606


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), sys.argv[4:])
