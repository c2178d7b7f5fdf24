"""How many files and connections this process may have open at once."""

import resource
from typing import Final

from app.runtime.observability.logging import get_logger

# More than anybody connects; some systems say a billion.
_ENOUGH: Final = 65_536
# For connections to the database, to partners and between loops, files, and what Python has open.
_RESERVED: Final = 64
_FEWEST_CONNECTIONS: Final = 16
_LOW: Final = 1024

log = get_logger(__name__)


def raise_open_files() -> int:
    """Raise the soft limit on open files as far as the hard one allows; return it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    allowed = _ENOUGH if hard == resource.RLIM_INFINITY else min(hard, _ENOUGH)
    if soft != resource.RLIM_INFINITY and soft < allowed:
        resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
        soft = allowed
    return _ENOUGH if soft == resource.RLIM_INFINITY else soft


def most_connections(open_files: int) -> int:
    """Return how many connections may be served beside what else is open; log if they are few."""
    connections = max(open_files - _RESERVED, _FEWEST_CONNECTIONS)
    if open_files < _LOW:
        log.warning(
            "open_files_low",
            open_files=open_files,
            connections=connections,
            remedy=f"set LimitNOFILE= of systemd, or ulimit -n, to {_LOW} or more",
        )
    return connections
