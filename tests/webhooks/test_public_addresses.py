"""Which addresses webhooks may go to, by the IANA registries; and which URLs are taken."""

import re
from ipaddress import ip_address, ip_network
from typing import Final

import pytest

from app.webhooks.rules.public_addresses import is_public, may_be_reached
from app.webhooks.rules.urls import Policy, UrlRefused, read_url

# The IANA IPv4 and IPv6 special-purpose address registries, and the registries of multicast: first
# and last address of each block, and some that are known for what stands there.
REFUSED: Final = re.findall(
    r"\S+",
    """
    0.0.0.0 0.255.255.255 10.0.0.0 10.255.255.255 100.64.0.0 100.100.100.200 100.127.255.255
    127.0.0.0 127.0.0.1 127.255.255.255 168.63.129.16 169.254.0.0 169.254.169.254 169.254.255.255
    172.16.0.0 172.31.255.255 192.0.0.0 192.0.0.8 192.0.0.9 192.0.0.10 192.0.0.170 192.0.0.171
    192.0.0.192 192.0.0.255 192.0.2.0 192.0.2.255 192.31.196.0 192.31.196.255 192.52.193.0
    192.52.193.255 192.88.99.0 192.88.99.2 192.88.99.255 192.168.0.0 192.168.255.255 192.175.48.0
    192.175.48.255 198.18.0.0 198.19.255.255 198.51.100.0 198.51.100.255 203.0.113.0 203.0.113.255
    224.0.0.0 239.255.255.255 240.0.0.0 255.255.255.254 255.255.255.255 :: ::1 ::2 ::127.0.0.1
    ::8.8.8.8 ::ffff:0:0 ::ffff:127.0.0.1 ::ffff:8.8.8.8 ::ffff:255.255.255.255 ::ffff:0:127.0.0.1
    64:ff9b:: 64:ff9b::7f00:1 64:ff9b::8.8.8.8 64:ff9b::ffff:ffff 64:ff9b:1:: 64:ff9b:1::7f00:1
    64:ff9b:1:ffff:ffff:ffff:ffff:ffff 100:: 100::ffff:ffff:ffff:ffff 100:0:0:1:: 2001::
    2001:0:7f00:1:: 2001:1::1 2001:1::2 2001:1::3 2001:2:: 2001:2:0:ffff:ffff:ffff:ffff:ffff
    2001:3:: 2001:4:112:: 2001:10:: 2001:20:: 2001:30:: 2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff
    2001:db8:: 2001:db8:ffff:ffff:ffff:ffff:ffff:ffff 2002:: 2002:7f00:1:: 2002:808:808::
    2002:ffff:ffff:ffff:ffff:ffff:ffff:ffff 2620:4f:8000:: 2620:4f:8000:ffff:ffff:ffff:ffff:ffff
    3ffe::1 3fff:: 3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff 5f00:: 5f00::1 2a00:1450::5efe:127.0.0.1
    2a00:1450::200:5efe:10.0.0.1 4000::1 8000::1 fbff::1 fc00:: fd00:ec2::254
    fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff fe00::1 fe80:: fe80::1 fe80::1%eth0
    febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff fec0:: feff:ffff:ffff:ffff:ffff:ffff:ffff:ffff ff00::
    ff02::1 ff0e::1 2a00:1450::1%eth0 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff
""",
)
# Their neighbours, and well-known servers.
PUBLIC: Final = re.findall(
    r"\S+",
    """
    1.0.0.0 1.1.1.1 8.8.8.8 9.255.255.255 11.0.0.0 100.63.255.255 100.128.0.0 126.255.255.255
    128.0.0.0 168.63.129.15 168.63.129.17 169.253.255.255 169.255.0.0 172.15.255.255 172.32.0.0
    191.255.255.255 192.0.1.0 192.0.3.0 192.167.255.255 192.169.0.0 198.17.255.255 198.20.0.0
    198.51.99.255 198.51.101.0 203.0.112.255 203.0.114.0 223.255.255.255 2001:200::
    2001:4860:4860::8888 2001:db7:: 2001:db9:: 2003::1 2606:4700:4700::1111 2620:4f:7fff::1
    2a00:1450:4001:81b::200e 3ffd::1 3fff:1000::
""",
)

# What a URL may not be, and a word of the answer.
BAD_URLS: Final = {
    "http://shop.example/": "https",
    "ftp://shop.example/": "https",
    "file:///etc/passwd": "https",
    "gopher://shop.example/": "https",
    "//shop.example/": "https",
    "shop.example": "https",
    "https:shop.example": "https",
    "https:///path": "https",
    "https://user@shop.example/": "user name",
    "https://user:secret@shop.example/": "user name",
    "https://shop.example@127.0.0.1/": "user name",
    "https://shop.example/#fragment": "fragment",
    "https://shop.example#@127.0.0.1/": "fragment",
    "https://shop.example\\@127.0.0.1/": "user name",
    "https://shop.example\\.evil/": "ASCII",
    " https://shop.example/": "ASCII",
    "https://shop.example/ ": "ASCII",
    "https://shop.example/\t": "ASCII",
    "https://shop.example/\r\nHost: x": "ASCII",
    "https://shop.example/a b": "ASCII",
    "https://shop.example/%zz": "ASCII",
    "https://sh%6fp.example/": "ASCII",
    "https://bücher.example/": "ASCII",
    "https://shop。example/": "ASCII",
    "https://①②⑦.⓪.⓪.①/": "ASCII",
    "https://[fe80::1%25eth0]/": "ASCII",
    "https://[::1/": "ASCII",
    "https://shop.example:/": "ASCII",
    "https://shop.example:443443/": "ASCII",
    "https://shop.example:-1/": "ASCII",
    "https://shop.example:0/": "port",
    "https://shop.example:22/": "port",
    "https://shop.example:25/": "port",
    "https://shop.example:80/": "port",
    "https://shop.example:1023/": "port",
    "https://shop.example:65536/": "port",
    "https://[12345::]/": "IPv6",
    "https://[1.2.3.4]/": "IPv6",
    "https://localhost/": "public internet",
    "https://LOCALHOST:8443/": "public internet",
    "https://api.localhost/": "public internet",
    "https://database/": "public internet",
    "https://db.internal/": "public internet",
    "https://printer.local/": "public internet",
    "https://nas.home.arpa/": "public internet",
    "https://shop.example./": "final dot",
    "https://localhost./": "final dot",
    "https://shop..example/": "RFC 1123",
    "https://.shop.example/": "RFC 1123",
    "https://-shop.example/": "RFC 1123",
    "https://shop-.example/": "RFC 1123",
    f"https://{'a' * 64}.example/": "RFC 1123",
    f"https://{'a.' * 125}example/": "RFC 1123",
    "https://127.1/": "IPv4",
    "https://0177.0.0.1/": "IPv4",
    "https://0x7f.0.0.1/": "IPv4",
    "https://0x7f.1/": "IPv4",
    "https://0x7f000001/": "IPv4",
    "https://2130706433/": "IPv4",
    "https://127.0.0.1./": "IPv4",
    "https://127.0.0.01/": "IPv4",
    "https://127.0.0.256/": "IPv4",
    "https://1.2.3.4.5/": "IPv4",
    "https://shop.0x7f/": "IPv4",
    "https://127.0.0.1/": "public one",
    "https://10.0.0.1:8443/": "public one",
    "https://169.254.169.254/latest/meta-data/": "public one",
    "https://[::1]/": "public one",
    "https://[::]/": "public one",
    "https://[::ffff:127.0.0.1]/": "public one",
    "https://[::ffff:7f00:1]/": "public one",
    "https://[64:ff9b::7f00:1]/": "public one",
    "https://[2002:7f00:1::]/": "public one",
    "https://[fd00:ec2::254]/": "public one",
    f"https://shop.example/{'a' * 2048}": "2048",
}
GOOD_URLS: Final = {
    "https://shop.example": "https://shop.example/",
    "HTTPS://Shop.EXAMPLE:443/Hooks?a=b": "https://shop.example/Hooks?a=b",
    "https://shop.example:8443/a/b;c=d/%7E?x=%20&y=/?": "https://shop.example:8443/a/b;c=d/%7E?x=%20&y=/?",
    "https://xn--bcher-kva.example/": "https://xn--bcher-kva.example/",
    "https://shop.example?x": "https://shop.example/?x",
    "https://8.8.8.8/": "https://8.8.8.8/",
    "https://[2001:4860:4860:0:0:0:0:8888]:8443/": "https://[2001:4860:4860::8888]:8443/",
    "https://127.0.0.1.shop.example/": "https://127.0.0.1.shop.example/",
}


def test_addresses_of_the_special_purpose_registries_are_not_public() -> None:
    assert [text for text in REFUSED if is_public(ip_address(text))] == []


def test_addresses_beside_the_special_ones_are_public() -> None:
    assert [text for text in PUBLIC if not is_public(ip_address(text))] == []


def test_operator_may_allow_networks_that_are_not_public() -> None:
    allowed = [ip_network("10.1.0.0/16"), ip_network("fd12::/32")]
    reached = ["10.1.2.3", "fd12::1", "8.8.8.8"]
    assert all(may_be_reached(ip_address(text), allowed) for text in reached)
    for text in ("10.2.0.1", "127.0.0.1", "fd13::1", "::ffff:10.1.2.3"):
        assert not may_be_reached(ip_address(text), allowed), text


def test_urls_that_lead_elsewhere_or_read_differently_are_refused_with_the_reason() -> None:
    for url, word in BAD_URLS.items():
        with pytest.raises(UrlRefused) as refused:
            read_url(url, Policy())
        assert word in str(refused.value), url
        assert url.strip() not in str(refused.value)


def test_plain_https_urls_have_one_spelling() -> None:
    assert {url: read_url(url, Policy()).url for url in GOOD_URLS} == GOOD_URLS


def test_plain_http_goes_to_this_machine_alone_and_in_a_first_try_alone() -> None:
    policy = Policy(http_to_loopback=True)
    for url in ("http://localhost:9000/", "http://127.0.0.1/", "http://[::1]:9000/"):
        assert read_url(url, policy).url == url
        with pytest.raises(UrlRefused):
            read_url(url, Policy())
        with pytest.raises(UrlRefused):
            read_url(url, Policy(allowed=[ip_network("127.0.0.0/8"), ip_network("::1/128")]))
    for url in (
        "http://shop.example/",
        "http://10.0.0.1/",
        "https://10.0.0.1/",
        "https://db.internal/",
    ):
        with pytest.raises(UrlRefused):
            read_url(url, policy)
