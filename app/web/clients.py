"""Whose address a request comes from: the peer's, or the one that a trusted proxy states.

A proxy appends the address that it was asked from to `X-Forwarded-For`, so what stands right of
the last trusted proxy is true and what stands left of it is the client's own invention.
"""

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Final

IPAddress = IPv4Address | IPv6Address
IPNetwork = IPv4Network | IPv6Network

# Whoever has no address: the peer of a Unix socket.
NOWHERE: Final = "nowhere"
# The smallest part of IPv6 that one customer is given (RFC 6177): its addresses are one client.
_IPV6_BITS: Final = 64


def client_of(peer: str | None, forwarded_for: str, proxies: Sequence[IPNetwork]) -> str:
    """Return the client that failures are counted against: an IPv4 address or an IPv6 /64.

    `peer` is the other end of the connection, `forwarded_for` all of `X-Forwarded-For`.
    """
    client = client_address(peer, forwarded_for, proxies)
    return NOWHERE if client is None else _counted_as(client)


def client_address(
    peer: str | None, forwarded_for: str, proxies: Sequence[IPNetwork]
) -> IPAddress | None:
    """Return the address that a request comes from; None: from a Unix socket."""
    client = _address(peer or "")
    if client is None:
        return None
    for hop in reversed(forwarded_for.split(",")):
        if not _is_in(client, proxies):
            break
        stated = _address(hop.strip())
        if stated is None:  # a trusted proxy states no address: it stands for its client
            break
        client = stated
    return client


def _address(text: str) -> IPAddress | None:
    """Read an address, with or without a port; IPv4 within IPv6 is IPv4."""
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ip_address(text)
    except ValueError:
        return None
    return (address.ipv4_mapped if isinstance(address, IPv6Address) else None) or address


def _is_in(address: IPAddress, networks: Sequence[IPNetwork]) -> bool:
    return any(address in network for network in networks)


def _counted_as(address: IPAddress) -> str:
    if isinstance(address, IPv4Address):
        return str(address)
    return str(IPv6Network((int(address), _IPV6_BITS), strict=False))
