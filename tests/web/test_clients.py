"""Whose failures are counted together: addresses, with and without proxies that are trusted."""

from ipaddress import ip_network

from app.web.clients import NOWHERE, client_of
from tests.support.cases import each_case

PROXIES = tuple(ip_network(each) for each in ("10.0.0.0/8", "192.0.2.1", "2001:db8:f::/48"))


@each_case(
    ("peer", "client"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        (None, NOWHERE),
        ("", NOWHERE),
        ("/run/assay.sock", NOWHERE),
    ],
)
def test_a_client_is_an_ipv4_address_or_an_ipv6_network_of_64_bits(
    peer: str | None, client: str
) -> None:
    assert client_of(peer, "", ()) == client


@each_case("forwarded", ["203.0.113.1", "10.0.0.1", "203.0.113.1, 10.0.0.1", "x"])
@each_case("peer", ["198.51.100.7", "::ffff:198.51.100.7"])
def test_a_peer_that_is_no_trusted_proxy_may_state_nothing(peer: str, forwarded: str) -> None:
    assert client_of(peer, forwarded, PROXIES) == "198.51.100.7"
    assert client_of("10.0.0.1", forwarded, ()) == "10.0.0.1"


@each_case(
    ("forwarded", "client"),
    [
        ("203.0.113.1", "203.0.113.1"),
        (" 203.0.113.1 ", "203.0.113.1"),
        ("203.0.113.1:4711", "203.0.113.1"),
        ("2001:db8:1:2::5", "2001:db8:1:2::/64"),
        ("[2001:db8:1:2::5]", "2001:db8:1:2::/64"),
        ("[2001:db8:1:2::5]:4711", "2001:db8:1:2::/64"),
        ("::ffff:203.0.113.1", "203.0.113.1"),
        ("203.0.113.1, 192.0.2.1", "203.0.113.1"),
        ("203.0.113.1, 192.0.2.1, 10.9.9.9", "203.0.113.1"),
        ("203.0.113.1,2001:db8:f::1", "203.0.113.1"),
    ],
)
def test_the_address_that_a_trusted_proxy_was_asked_from_is_the_clients(
    forwarded: str, client: str
) -> None:
    assert client_of("10.0.0.1", forwarded, PROXIES) == client


@each_case(
    "invented",
    ["203.0.113.99", "10.0.0.2", "nonsense", "", "2001:db8::1", "203.0.113.99, 10.0.0.2"],
)
def test_what_stands_left_of_the_clients_address_is_its_own_invention(invented: str) -> None:
    assert client_of("10.0.0.1", f"{invented}, 203.0.113.1", PROXIES) == "203.0.113.1"
    assert client_of("10.0.0.1", f"{invented}, 203.0.113.1, 10.0.0.5", PROXIES) == "203.0.113.1"


@each_case("stated", ["", "unknown", "_hidden", "1.2.3", "203.0.113.1 x"])
def test_a_trusted_proxy_that_states_no_address_stands_for_its_clients(stated: str) -> None:
    assert client_of("10.0.0.1", stated, PROXIES) == "10.0.0.1"
    assert client_of("10.0.0.1", f"203.0.113.1, {stated}, 10.0.0.2", PROXIES) == "10.0.0.2"


def test_when_every_hop_is_trusted_the_first_is_the_client() -> None:
    assert client_of("10.0.0.1", "10.0.0.3, 10.0.0.2", PROXIES) == "10.0.0.3"
