"""Names and addresses of machines: which are this one, which are private, and which are the same.

Private is what no other can have on the internet: a name without a dot, as Docker Compose gives;
`.internal` (reserved by ICANN, 2024), `.local` (RFC 6762), `.home.arpa` (RFC 8375), `.localhost` (RFC
6761); addresses of RFC 1918, RFC 4193, link-local and loopback ones. Not `.lan` or `.home`, which nobody
reserves, nor the addresses that carriers share (RFC 6598).
"""

import socket
from ipaddress import IPv4Address, IPv6Address, ip_network
from typing import Final

LOOPBACK: Final = "localhost"
# RFC 6761, and what Debian's and Red Hat's /etc/hosts call it beside.
_LOOPBACK_NAMES: Final = frozenset(
    {LOOPBACK, "localhost.localdomain", "localhost6", "ip6-localhost", "ip6-loopback"}
)
_PRIVATE_SUFFIXES: Final = (".internal", ".local", ".home.arpa", ".localhost")
_PRIVATE_NETWORKS: Final = tuple(
    ip_network(text)
    for text in (
        "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "fc00::/7", "fe80::/10",
    )
)  # fmt: skip


def same_host(host: str) -> str:
    """Return the one spelling of a host; every way to name this machine is `localhost`.

    Names lose their case and final dot; addresses are read as connecting reads them, so that
    `0x7f.1` and `2130706433` are `127.0.0.1`.
    """
    address = _address(host)
    if address is None:
        name = host.lower().removesuffix(".")
        return LOOPBACK if name in _LOOPBACK_NAMES or name.endswith(".localhost") else name
    # Whoever connects to the unspecified address reaches this machine.
    return LOOPBACK if address.is_loopback or address.is_unspecified else str(address)


def is_loopback(host: str) -> bool:
    """Say whether a host is this machine."""
    return same_host(host) == LOOPBACK


def is_private(host: str) -> bool:
    """Say whether what is sent to a host stays on this machine or in its own network."""
    spelling = same_host(host)
    address = _address(spelling)
    if address is not None:
        return any(address in network for network in _PRIVATE_NETWORKS)
    return "." not in spelling or spelling.endswith(_PRIVATE_SUFFIXES)


def _address(host: str) -> IPv4Address | IPv6Address | None:
    """Return the address that a host is, if it is none to be looked up."""
    if ":" in host:
        try:
            address = IPv6Address(host)
        except ValueError:
            return None
        return address.ipv4_mapped or address
    try:
        return IPv4Address(socket.inet_aton(host.removesuffix(".")))
    except OSError:
        return None
