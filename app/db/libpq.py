"""The words in which libpq, and so psycopg, is told what SQLAlchemy's URL tells asyncpg."""

from typing import Any, Final

from sqlalchemy import URL

_CONNECT_TIMEOUT_SECONDS: Final = 5
# A server that vanished without a word is given up after so long.
_UNANSWERED_MILLISECONDS: Final = 15_000
# asyncpg's words for what libpq knows too; the others are of asyncpg alone.
_SAME: Final = {
    "user": "user",
    "password": "password",
    "database": "dbname",
    "ssl": "sslmode",
    "passfile": "passfile",
    "target_session_attrs": "target_session_attrs",
}
# Where asyncpg looks when no host is named; libpq would know the place it was built for alone.
_USUAL_HOSTS: Final = ("/run/postgresql", "/var/run/postgresql", "/tmp", "localhost")  # noqa: S108


def keywords(url: URL) -> dict[str, Any]:
    """Return what to connect with to where a `postgresql+asyncpg://` URL leads."""
    _, given = url.get_dialect()().create_connect_args(url)
    found = {theirs: given[ours] for ours, theirs in _SAME.items() if given.get(ours)}
    found["host"] = ",".join(_listed(given.get("host")) or _USUAL_HOSTS)
    if ports := _listed(given.get("port")):
        found["port"] = ",".join(ports)
    return found | {
        "application_name": "assay",
        "connect_timeout": _CONNECT_TIMEOUT_SECONDS,
        "tcp_user_timeout": _UNANSWERED_MILLISECONDS,
    }


def _listed(given: str | int | list[str] | list[int] | None) -> list[str]:
    if given is None:
        return []
    return [str(one) for one in given] if isinstance(given, list) else [str(given)]
