"""Names and addresses of machines: which of them is this one."""

from typing import Final

LOOPBACK_HOSTS: Final = frozenset({"127.0.0.1", "localhost", "::1"})
