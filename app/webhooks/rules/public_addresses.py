"""Which addresses a webhook may be sent to: those of the public internet alone.

The networks are those of the IANA special-purpose address registries (RFC 6890, as updated by
RFC 8190) and of the multicast and unicast registries, whether or not they are called globally
reachable: no receiver of webhooks stands in them. Python's `is_global` is not asked, since its
answers differ between releases.
"""

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import Final

IPAddress = IPv4Address | IPv6Address
IPNetwork = IPv4Network | IPv6Network

_REFUSED_IPV4: Final = tuple(
    IPv4Network(text)
    for text in (
        "0.0.0.0/8",  # "this network", RFC 791
        "10.0.0.0/8",  # private use, RFC 1918
        "100.64.0.0/10",  # shared by carriers, RFC 6598
        "127.0.0.0/8",  # loopback, RFC 1122
        "168.63.129.16/32",  # the platform of Azure, which only its machines reach
        "169.254.0.0/16",  # link-local, RFC 3927; the metadata of clouds
        "172.16.0.0/12",  # private use, RFC 1918
        "192.0.0.0/24",  # protocol assignments, RFC 6890
        "192.0.2.0/24",  # documentation, RFC 5737
        "192.31.196.0/24",  # AS112, RFC 7535
        "192.52.193.0/24",  # AMT, RFC 7450
        "192.88.99.0/24",  # 6to4 relays, RFC 7526
        "192.168.0.0/16",  # private use, RFC 1918
        "192.175.48.0/24",  # AS112, RFC 7534
        "198.18.0.0/15",  # benchmarks, RFC 2544
        "198.51.100.0/24",  # documentation, RFC 5737
        "203.0.113.0/24",  # documentation, RFC 5737
        "224.0.0.0/4",  # multicast, RFC 5771
        "240.0.0.0/4",  # reserved, RFC 1112; broadcast, RFC 919
    )
)
# All else of IPv6 is loopback, local, mapped or translated IPv4, multicast, or not assigned.
_GLOBAL_UNICAST: Final = IPv6Network("2000::/3")  # RFC 4291, section 2.4
_REFUSED_IPV6: Final = tuple(
    IPv6Network(text)
    for text in (
        "2001::/23",  # protocol assignments, RFC 2928: Teredo, benchmarks, ORCHID, AMT, drones
        "2001:db8::/32",  # documentation, RFC 3849
        "2002::/16",  # 6to4, RFC 3056, which holds any IPv4 address
        "2620:4f:8000::/48",  # AS112, RFC 7534
        "3ffe::/16",  # the 6bone, returned, RFC 3701
        "3fff::/20",  # documentation, RFC 9637
    )
)
# The interface identifiers of ISATAP, which hold any IPv4 address: RFC 5214, section 6.1.
_ISATAP: Final = frozenset({0x0000_5EFE, 0x0200_5EFE})


def is_public(address: IPAddress) -> bool:
    """Say whether an address is one of the public internet."""
    if isinstance(address, IPv4Address):
        return not any(address in network for network in _REFUSED_IPV4)
    if address.scope_id is not None or address not in _GLOBAL_UNICAST:
        return False
    if (int(address) >> 32) & 0xFFFF_FFFF in _ISATAP:
        return False
    return not any(address in network for network in _REFUSED_IPV6)


def may_be_reached(address: IPAddress, allowed: Sequence[IPNetwork]) -> bool:
    """Say whether a webhook may go to an address: a public one, or one that the operator allows."""
    return is_public(address) or any(address in network for network in allowed)
