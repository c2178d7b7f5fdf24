"""Connections of webhooks: a name is resolved once, and the connection goes to what was checked.

It stands below HTTP, so TLS (its server name and certificate) and the header `Host` keep the name
of the URL, and no second look-up can lead elsewhere.
"""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from ipaddress import ip_address
from typing import Final

import httpcore
from typing_extensions import override

from app.webhooks.rules.public_addresses import IPAddress
from app.webhooks.rules.urls import Policy

# Given a name and a port, the addresses behind it. Raises OSError when there is none.
Resolve = Callable[[str, int], Awaitable[Sequence[IPAddress]]]
# A thread stays with a name until the system gives up on it, longer than we wait for it.
_RESOLVING_AT_ONCE: Final = 128
_CONNECT_SECONDS: Final = 4.0


class AddressRefused(httpcore.ConnectError):
    """A name leads to an address that no webhook may go to; nothing was connected to."""


class NameNotResolved(httpcore.ConnectError):
    """A name leads nowhere."""


class SystemResolver:
    """Asks the system for the addresses of names, in threads of its own.

    A name whose servers are slow holds a thread, and must not hold those that others need.
    """

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(_RESOLVING_AT_ONCE, "webhook-names")

    async def resolve(self, host: str, port: int) -> Sequence[IPAddress]:
        """Return the addresses of a name. Raises OSError."""
        found = await asyncio.get_running_loop().run_in_executor(
            self._threads, lambda: socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        )
        return [ip_address(place[0]) for *_, place in found]

    def close(self) -> None:
        """Take no more names; those that are looked up are not waited for."""
        self._threads.shutdown(wait=False, cancel_futures=True)


class CheckedBackend(httpcore.AsyncNetworkBackend):
    """Connects to names and addresses that `policy` admits, and to none if one is not."""

    def __init__(self, policy: Policy, resolve: Resolve) -> None:
        self._policy = policy
        self._resolve = resolve
        self._network = httpcore.AnyIOBackend()

    @override
    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Connect to the first address that answers. Raises AddressRefused and ConnectError."""
        failure: httpcore.ConnectError | httpcore.ConnectTimeout = NameNotResolved()
        for address in await self._checked_addresses(host, port):
            try:
                return await self._network.connect_tcp(
                    str(address), port, _CONNECT_SECONDS, local_address, socket_options
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as fault:
                failure = fault
        raise failure

    @override
    async def sleep(self, seconds: float) -> None:
        """Wait, as httpcore does between tries of its own, of which it makes none here."""
        await self._network.sleep(seconds)

    async def _checked_addresses(self, host: str, port: int) -> Sequence[IPAddress]:
        """Return all addresses of a host. Raises AddressRefused if one of them is refused."""
        try:
            addresses: Sequence[IPAddress] = [ip_address(host)]
        except ValueError:
            try:
                addresses = await self._resolve(host, port)
            except (OSError, UnicodeError):  # a label may be too long for the system
                raise NameNotResolved from None
        if not all(self._policy.admits(address) for address in addresses):
            raise AddressRefused
        return addresses
