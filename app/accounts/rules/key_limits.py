"""What an API key may do: its scopes, whether it only reads, and from where it may be used."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network
from typing import Final

from app.accounts.errors import MissingScope
from app.runtime.errors import InvalidParameter

IPAddress = IPv4Address | IPv6Address
IPNetwork = IPv4Network | IPv6Network

_IPV4_IN_IPV6: Final = IPv6Network("::ffff:0:0/96")  # RFC 4291, section 2.5.5.2


class Scope(StrEnum):
    """What a key may be limited to."""

    ORDERS_READ = "orders:read"
    ORDERS_WRITE = "orders:write"
    ASSESSMENTS_READ = "assessments:read"
    ASSESSMENTS_WRITE = "assessments:write"
    CODES = "codes"
    KEYS = "keys"
    WEBHOOKS = "webhooks"


@dataclass(frozen=True)
class Need:
    """What an endpoint asks of a key: a scope, if any, and whether it changes something."""

    scope: Scope | None
    changes: bool


@dataclass(frozen=True)
class KeyLimits:
    """The limits of a key; None is no limit. A session has none either."""

    scopes: Sequence[str] | None = None
    read_only: bool = False
    ip_allow_list: Sequence[str] | None = None

    @property
    def is_limited(self) -> bool:
        """Say whether there is anything that the key may not do, wherever it is used."""
        return self.read_only or self.scopes is not None

    def has(self, scope: Scope) -> bool:
        """Say whether the key has a scope."""
        return self.scopes is None or scope in self.scopes

    def admits(self, address: IPAddress | None) -> bool:
        """Say whether the key may be used from an address; None: nobody knows from where."""
        if self.ip_allow_list is None:
            return True
        networks = _networks(tuple(self.ip_allow_list))
        return address is not None and any(address in network for network in networks)


UNLIMITED: Final = KeyLimits()


def limits_below(own: KeyLimits, wished: KeyLimits) -> KeyLimits:
    """Return the limits of a key that is made by one with limits: where none are wished, its own.

    Raises MissingScope and InvalidParameter for what the other may not do.
    """
    scopes, networks = own.scopes, own.ip_allow_list
    if wished.scopes is not None:
        for scope in wished.scopes:
            if not own.has(Scope(scope)):
                raise MissingScope(scope)
        scopes = wished.scopes
    if wished.ip_allow_list is not None:
        if not are_within(wished.ip_allow_list, own.ip_allow_list):
            raise InvalidParameter("ip_allow_list", "within that of the API key that makes it")
        networks = wished.ip_allow_list
    return KeyLimits(scopes, wished.read_only or own.read_only, networks)


def read_network(text: str) -> IPNetwork:
    """Read a network in CIDR form; IPv4 within IPv6 is IPv4. Raises ValueError."""
    network = ip_network(text)
    if isinstance(network, IPv6Network) and network.subnet_of(_IPV4_IN_IPV6):
        within = int(network.network_address) & 0xFFFF_FFFF
        return IPv4Network((within, network.prefixlen - _IPV4_IN_IPV6.prefixlen))
    return network


def are_within(inner: Collection[str], outer: Collection[str] | None) -> bool:
    """Say whether each network lies in one of others; None: anything does."""
    if outer is None:
        return True
    wider = _networks(tuple(outer))
    return all(any(_lies_in(one, other) for other in wider) for one in _networks(tuple(inner)))


def _lies_in(one: IPNetwork, other: IPNetwork) -> bool:
    if isinstance(one, IPv4Network):
        return isinstance(other, IPv4Network) and one.subnet_of(other)
    return isinstance(other, IPv6Network) and one.subnet_of(other)


@lru_cache(maxsize=1024)
def _networks(texts: tuple[str, ...]) -> tuple[IPNetwork, ...]:
    return tuple(ip_network(text) for text in texts)
