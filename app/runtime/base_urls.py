"""URLs of servers below which all that is asked stands: which are safe, and which are the same."""

import posixpath
import re
from typing import Final
from urllib.parse import SplitResult, unquote, urlsplit

from app.runtime.hosts import is_loopback, is_private, same_host

_DEFAULT_PORTS: Final = (80, 443)
_VISIBLE: Final = re.compile(r"[!-\[\]-~]+")  # no backslash, which programs read differently
_HOST: Final = re.compile(r"[0-9A-Za-z_.-]+|[0-9A-Fa-f:.]+")
_RULE: Final = (
    "must be an https URL; plain http only for a private host: a name without a dot, one that ends in"
    " .internal, .local or .home.arpa, or a private address"
)


def base_url(text: str) -> str:
    """Return a URL with its final slash. Raises ValueError, without the URL, if it is not safe.

    What is sent to it may be secret, and what it answers is believed: it is encrypted on its way, or
    stays in the own network.
    """
    if not _VISIBLE.fullmatch(text):
        raise ValueError("must be one URL, of visible ASCII characters without \\")
    parts = _split(text)
    host = parts.hostname or ""
    if not _HOST.fullmatch(host) or not host.strip("."):
        raise ValueError(_RULE)
    if parts.scheme != "https" and not (parts.scheme == "http" and is_private(host)):
        raise ValueError(_RULE)
    if "?" in text or "#" in text:
        raise ValueError("must be a URL without ? and #")
    return text if text.endswith("/") else f"{text}/"


def _split(text: str) -> SplitResult:
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise ValueError("must be a URL with a port from 1 to 65535, if with any") from None
    if port == 0 or parts.netloc.endswith(":"):
        raise ValueError("must be a URL with a port from 1 to 65535, if with any")
    return parts


def same_server(url: str) -> tuple[str, int | None, str]:
    """Return what two base URLs have in common if one server answers both.

    That is the host, the port unless it is a default one, and the path: case, a user, escapes and
    doubled slashes make no other server, and neither does TLS.
    """
    parts = urlsplit(url)
    port = None if parts.port in _DEFAULT_PORTS else parts.port
    path = posixpath.normpath(f"/{unquote(parts.path).strip('/')}")
    return same_host(parts.hostname or ""), port, path.lower()


def is_on_loopback(url: str) -> bool:
    """Say whether a URL names this machine."""
    return is_loopback(urlsplit(url).hostname or "")


def is_on_private_host(url: str) -> bool:
    """Say whether a URL names this machine, or one of its own network."""
    return is_private(urlsplit(url).hostname or "")
