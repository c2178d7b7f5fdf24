"""Where PostgreSQL is: reading the URL as libpq does, so that it means what it means to `psql`.

The grammar is that of PostgreSQL's manual, section "Connection Strings", Connection URIs. A parameter
that both drivers can follow is taken; any other is refused by its name.
"""

import os
import re
import ssl
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import unquote

SCHEMES: Final = ("postgres", "postgresql", "postgresql+asyncpg")
_TEXTS: Final = ("host", "port", "user", "password", "dbname", "passfile", "options")
_FILES: Final = ("sslrootcert", "sslcert", "sslkey", "sslcrl")
_OTHERS: Final = ("application_name", "connect_timeout", "sslpassword")
_TLS_VERSIONS: Final = ("TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3")
_WORDS: Final[Mapping[str, tuple[str, ...]]] = {
    "sslmode": ("disable", "allow", "prefer", "require", "verify-ca", "verify-full"),
    "sslnegotiation": ("postgres", "direct"),
    "ssl_min_protocol_version": _TLS_VERSIONS,
    "ssl_max_protocol_version": _TLS_VERSIONS,
    "target_session_attrs": (
        *("any", "read-write", "read-only", "primary", "standby", "prefer-standby"),
    ),
    # Stronger ones cannot be kept: asyncpg knows neither.
    "channel_binding": ("disable", "prefer"),
    "gssencmode": ("disable", "prefer"),
}
_KNOWN: Final = frozenset((*_TEXTS, *_FILES, *_OTHERS, *_WORDS))
_BAD_ESCAPE: Final = re.compile("%(?![0-9A-Fa-f]{2})|%00")
_HOST: Final = re.compile(r"\[(?P<ipv6>[^\]]+)\](?=[:,]|$)|(?P<name>[^:,\[\]]*)")
_MOST_PORT: Final = 65_535
_VERIFYING: Final = ("verify-ca", "verify-full")
_SYSTEM: Final = "system"
_USER_ROOT: Final = ".postgresql/root.crt"
_OTHERS_MAY: Final = stat.S_IRWXG | stat.S_IRWXO
_GROUP_MAY_READ: Final = stat.S_IRGRP


@dataclass(frozen=True)
class DatabaseUrl:
    """What a URL says, by libpq's names; `hosts` and `ports` are as many, or there are no ports."""

    parameters: Mapping[str, str]
    hosts: tuple[str, ...]
    ports: tuple[int, ...]


def read_database_url(text: str) -> DatabaseUrl:
    """Read a URL. Raises ValueError, which names the parameter and does not repeat its value."""
    scheme, separator, rest = text.partition("://")
    if not separator or scheme not in SCHEMES:
        raise ValueError("must be a postgres://, postgresql:// or postgresql+asyncpg:// URL")
    given = {name: value for name, value in _parts(rest) if value}
    for name, words in _WORDS.items():
        if name in given and given[name] not in words:
            raise ValueError(f"{name} must be one of: {', '.join(words)}")
    seconds = given.get("connect_timeout", "0")
    if not re.fullmatch("[0-9]{1,6}", seconds):
        raise ValueError("connect_timeout must be a whole number of seconds, 0 for no limit")
    hosts = tuple(given["host"].split(",")) if "host" in given else ()
    if len(hosts) > 1 and "" in hosts:
        raise ValueError("host must be named between commas")
    return DatabaseUrl(_with_roots(given), hosts, _ports(given.get("port", ""), len(hosts)))


def check_files(url: DatabaseUrl) -> None:
    """Check that the files of TLS can be used. Raises ValueError, which names the parameter."""
    given = url.parameters
    if given.get("sslmode") == "disable":
        return
    for name in _FILES:
        if name in given and not os.access(given[name], os.R_OK):
            raise ValueError(f"{name} names a file that is not there or cannot be read")
    if given.get("sslmode") in _VERIFYING and "sslrootcert" not in given:
        usual = Path.home() / _USER_ROOT
        if "PGSSLROOTCERT" not in os.environ and not usual.exists():
            raise ValueError(f"sslmode={given['sslmode']} needs sslrootcert, or the file {usual}")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    for name in ("sslrootcert", "sslcrl"):
        if name in given:
            try:
                context.load_verify_locations(given[name])
            except ssl.SSLError:
                raise ValueError(f"{name} names a file without a PEM certificate") from None
    if "sslcert" in given and "sslkey" in given:
        _check_key(context, given)


def _parts(rest: str) -> Iterator[tuple[str, str]]:
    """Yield names and values; where a name comes twice, the later one counts."""
    at = rest.partition("/")[0].find("@")
    before, _, query = rest[at + 1 :].partition("?")
    authority, _, dbname = before.partition("/")
    if at >= 0:
        user, _, password = rest[:at].partition(":")
        yield "user", _decoded("user", user)
        yield "password", _decoded("password", password)
    hosts, ports = _host_list(authority)
    yield "host", _decoded("host", hosts)
    yield "port", _decoded("port", ports)
    yield "dbname", _decoded("dbname", dbname)
    for pair in query.split("&") if query else ():
        raw, separator, value = pair.partition("=")
        name = _decoded("a parameter's name", raw)
        if not separator or "=" in value:
            raise ValueError(f"{name} must be written NAME=VALUE, with any = in it as %3D")
        if (name, value) == ("ssl", "true"):  # libpq's courtesy to JDBC
            name, value = "sslmode", "require"
        if name == "ssl":
            raise ValueError("ssl is none of libpq's parameters: write sslmode")
        if name not in _KNOWN:
            shown = name if re.fullmatch("[a-z_]{1,40}", name) else "a parameter"
            raise ValueError(f"{shown} is not supported; these are: {', '.join(sorted(_KNOWN))}")
        yield name, _decoded(name, value)


def _host_list(text: str) -> tuple[str, str]:
    """Return the hosts and the ports of `HOST:PORT,HOST:PORT`, each with commas between."""
    hosts, ports, place = [], [], 0
    while True:
        found = _HOST.match(text, place)
        if found is None:
            raise ValueError("host must be a name, an address, [an IPv6 address] or a folder")
        hosts.append(found["ipv6"] or found["name"] or "")
        end = text.find(",", found.end())
        stop = len(text) if end < 0 else end
        port = text[found.end() : stop]
        if port and not port.startswith(":"):
            raise ValueError("host must be a name, an address, [an IPv6 address] or a folder")
        ports.append(port[1:])
        if end < 0:
            return ",".join(hosts), ",".join(ports) if any(ports) else ""
        place = end + 1


def _ports(text: str, hosts: int) -> tuple[int, ...]:
    if not text:
        return ()
    ports = []
    for one in text.split(","):
        if one and not (re.fullmatch("[0-9]{1,5}", one) and 0 < int(one) <= _MOST_PORT):
            raise ValueError(f"port must be a whole number from 1 to {_MOST_PORT}")
        ports.append(int(one or 5432))
    if len(ports) == 1:
        return tuple(ports * max(hosts, 1))
    if len(ports) != hosts:
        raise ValueError("port must name one port, or one for each host")
    return tuple(ports)


def _with_roots(given: dict[str, str]) -> dict[str, str]:
    """Put the system's file of certificates in the place of `sslrootcert=system`."""
    if given.get("sslrootcert") != _SYSTEM:
        return given
    if given.setdefault("sslmode", "verify-full") != "verify-full":
        raise ValueError("sslmode must be verify-full with sslrootcert=system")
    roots = ssl.get_default_verify_paths().cafile
    if roots is None:
        raise ValueError("sslrootcert=system: this system has no file of certificates; name one")
    return given | {"sslrootcert": roots}


def _check_key(context: ssl.SSLContext, given: Mapping[str, str]) -> None:
    """Check a client's certificate and key; libpq refuses a key that others may read."""
    key = Path(given["sslkey"]).stat()
    if key.st_mode & _OTHERS_MAY & ~(_GROUP_MAY_READ if key.st_uid == 0 else 0):
        raise ValueError("sslkey names a file that others may read: chmod 600")
    try:
        context.load_cert_chain(
            given["sslcert"], given["sslkey"], password=lambda: given.get("sslpassword", "")
        )
    except (OSError, ValueError):
        raise ValueError(
            "sslcert and sslkey are no certificate and its key, or sslpassword is not the key's"
        ) from None


def _decoded(name: str, text: str) -> str:
    if _BAD_ESCAPE.search(text):
        raise ValueError(f"{name} has a % that begins no escape: write it as %25")
    try:
        return unquote(text, errors="strict")
    except UnicodeDecodeError:
        raise ValueError(f"{name} is not UTF-8") from None
