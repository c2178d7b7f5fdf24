"""Which URLs may be registered for webhooks, and where they lead.

Programs read unusual URLs differently, and what one checks another connects to. So only one plain
form is taken, and it is read by one pattern here. Whether the addresses of a name are public is
asked anew at each sending (`app.webhooks.connecting`).
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from typing import Final

from app.runtime.hosts import is_loopback, is_private
from app.webhooks.rules.public_addresses import IPAddress, IPNetwork, may_be_reached

MAX_URL_LENGTH: Final = 2048
_HTTPS_PORT: Final = 443
_HTTP_PORT: Final = 80
_FIRST_FREE_PORT: Final = 1024
_LAST_PORT: Final = 65535
_URL: Final = re.compile(
    r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://"
    r"(?P<host>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.-]+)"
    r"(?::(?P<port>[0-9]{1,5}))?"
    # RFC 3986, section 3.3 and 3.4: pchar, and in the query "/" and "?".
    r"(?P<target>(?:/(?:[A-Za-z0-9._~!$&'()*+,;=:@/-]|%[0-9A-Fa-f]{2})*)?"
    r"(?:\?(?:[A-Za-z0-9._~!$&'()*+,;=:@/?-]|%[0-9A-Fa-f]{2})*)?)",
    re.ASCII,
)
_LABEL: Final = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?", re.ASCII)
_MAX_NAME_LENGTH: Final = 253
# WHATWG URL, section 3.5: a name whose last label is a number is an IPv4 address, or nothing.
_NUMBER: Final = re.compile(r"[0-9]+|0x[0-9a-f]*", re.ASCII)


class UrlRefused(ValueError):
    """A URL that no webhook may go to; its text says what is allowed, after "must be"."""


@dataclass(frozen=True)
class Policy:
    """Where webhooks may go beside the public internet.

    `allowed` are networks of the operator. With `http_to_loopback` this machine may be reached, by
    plain http too: for a first try alone.
    """

    allowed: Sequence[IPNetwork] = ()
    http_to_loopback: bool = False

    def admits(self, address: IPAddress) -> bool:
        """Say whether a webhook may be sent to an address."""
        if self.http_to_loopback and address.is_loopback:
            return True
        return may_be_reached(address, self.allowed)


@dataclass(frozen=True)
class Target:
    """Where a URL leads. `host` is a lower-case name, or an address without brackets."""

    scheme: str
    host: str
    port: int
    path: str
    address: IPAddress | None

    @property
    def authority(self) -> str:
        """Return the host as a URL and the header `Host` have it, with a port that is unusual."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        usual = _HTTPS_PORT if self.scheme == "https" else _HTTP_PORT
        return host if self.port == usual else f"{host}:{self.port}"

    @property
    def url(self) -> str:
        """Return the one spelling of the URL."""
        return f"{self.scheme}://{self.authority}{self.path}"


def read_url(text: str, policy: Policy) -> Target:
    """Read a URL that a webhook may go to. Raises UrlRefused, whose text never repeats the URL."""
    if len(text) > MAX_URL_LENGTH:
        raise UrlRefused(f"a URL of at most {MAX_URL_LENGTH} characters")
    _refuse_unusual(text)
    match = _URL.fullmatch(text)
    if match is None:
        raise UrlRefused(
            "an https URL of ASCII characters: a name or an address, a port, a path and a query;"
            " other characters percent-encoded, an international name in its xn-- form"
        )
    host = match["host"].lower()
    address = _address(host)
    if address is None:
        _check_name(host, policy)
    elif not policy.admits(address):
        raise UrlRefused("a URL whose address is a public one")
    scheme = _scheme(match["scheme"].lower(), host.strip("[]"), policy)
    target = match["target"]
    return Target(
        scheme=scheme,
        host=host.strip("[]") if address is None else str(address),
        port=_port(match["port"], scheme),
        path=target if target.startswith("/") else f"/{target}",
        address=address,
    )


def _refuse_unusual(text: str) -> None:
    """Name what is wrong with a URL that other programs would take."""
    if "#" in text:
        raise UrlRefused("a URL without a fragment (#)")
    if "@" in text.partition("://")[2].partition("/")[0]:
        raise UrlRefused("a URL without a user name or password")


def _scheme(scheme: str, host: str, policy: Policy) -> str:
    if scheme == "https":
        return scheme
    if scheme == "http" and policy.http_to_loopback and is_loopback(host):
        return scheme
    if policy.http_to_loopback:
        raise UrlRefused("an https URL, or an http URL of this machine: localhost or 127.0.0.1")
    raise UrlRefused("an https URL")


def _address(host: str) -> IPAddress | None:
    """Return the address that a host is; None: it is a name. Raises UrlRefused."""
    if host.startswith("["):
        try:
            return IPv6Address(host.strip("[]"))
        except ValueError:
            raise UrlRefused("a URL with a valid IPv6 address in its brackets") from None
    if not _NUMBER.fullmatch(host.rstrip(".").rpartition(".")[2]):
        return None
    try:
        return IPv4Address(host)
    except ValueError:
        raise UrlRefused(
            "a URL with an IPv4 address in its usual form, such as 192.0.2.1, or with a name"
        ) from None


def _check_name(host: str, policy: Policy) -> None:
    """Refuse what is no name of the internet. Raises UrlRefused."""
    if host.endswith("."):
        raise UrlRefused("a URL with a name without a final dot")
    if len(host) > _MAX_NAME_LENGTH or not all(_LABEL.fullmatch(part) for part in host.split(".")):
        raise UrlRefused("a URL with a name of letters, digits, hyphens and dots (RFC 1123)")
    if policy.allowed or (policy.http_to_loopback and is_loopback(host)):
        return
    if is_loopback(host) or is_private(host):
        raise UrlRefused("a URL with a name of the public internet")


def _port(text: str | None, scheme: str) -> int:
    if text is None:
        return _HTTPS_PORT if scheme == "https" else _HTTP_PORT
    port = int(text)
    usual = {_HTTPS_PORT} if scheme == "https" else {_HTTP_PORT}
    if port not in usual and not _FIRST_FREE_PORT <= port <= _LAST_PORT:
        raise UrlRefused(
            f"a URL with port {min(usual)}, or one from {_FIRST_FREE_PORT} to {_LAST_PORT}"
        )
    return port
