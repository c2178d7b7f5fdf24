"""What the two drivers are told, so that a URL of PostgreSQL means the same to both of them."""

import os
from typing import Any, Final
from urllib.parse import urlencode

from app.runtime.db.urls import DatabaseUrl

_APPLICATION: Final = "assay"
_CONNECT_TIMEOUT_SECONDS: Final = 5
_LEAST_TIMEOUT_SECONDS: Final = 2  # libpq takes less for this
# A server that vanished without a word is given up after so long.
_UNANSWERED_MILLISECONDS: Final = 15_000
# asyncpg reads these in a URL alone.
_IN_DSN: Final = frozenset(
    {
        "sslmode",
        "sslrootcert",
        "sslcert",
        "sslkey",
        "sslpassword",
        "sslcrl",
        "sslnegotiation",
        "ssl_min_protocol_version",
        "ssl_max_protocol_version",
    }
)
_KEYWORDS: Final = {
    "user": "user",
    "password": "password",
    "dbname": "database",
    "passfile": "passfile",
    "target_session_attrs": "target_session_attrs",
}
# Where asyncpg looks when no host is named; libpq would know the place it was built for alone.
_USUAL_HOSTS: Final = ("/run/postgresql", "/var/run/postgresql", "/tmp", "localhost")  # noqa: S108


def for_asyncpg(url: DatabaseUrl) -> dict[str, Any]:
    """Return the arguments of `asyncpg.connect`."""
    given = url.parameters
    # Two that a pooler knows how to keep; it refuses or forgets others.
    settings = {"application_name": given.get("application_name", _APPLICATION), "timezone": "UTC"}
    if "options" in given:
        settings["options"] = given["options"]
    arguments: dict[str, Any] = {
        theirs: given[ours] for ours, theirs in _KEYWORDS.items() if ours in given
    }
    tls = {name: value for name, value in given.items() if name in _IN_DSN}
    if tls:
        arguments["dsn"] = f"postgresql://?{urlencode(tls)}"
    if url.hosts:
        arguments["host"] = list(url.hosts)
    if url.ports:
        arguments["port"] = list(url.ports)
    return arguments | {"server_settings": settings, "timeout": _timeout_seconds(url) or None}


def for_psycopg(url: DatabaseUrl) -> dict[str, Any]:
    """Return the arguments of psycopg's `connect`, which are libpq's."""
    found: dict[str, Any] = {"application_name": _APPLICATION, **url.parameters}
    if not url.hosts and "PGHOST" not in os.environ:
        found["host"] = ",".join(_USUAL_HOSTS)
    return found | {
        "connect_timeout": _timeout_seconds(url),
        "tcp_user_timeout": _UNANSWERED_MILLISECONDS,
    }


def _timeout_seconds(url: DatabaseUrl) -> int:
    """Return how long connecting may take; 0 is for ever."""
    seconds = int(url.parameters.get("connect_timeout", _CONNECT_TIMEOUT_SECONDS))
    return seconds and max(seconds, _LEAST_TIMEOUT_SECONDS)
