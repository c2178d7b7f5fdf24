"""Origins of web pages (RFC 6454): which one a URL is of, in one spelling."""

import re
from typing import Final
from urllib.parse import urlsplit

from app.runtime.hosts import is_private

MAX_URL_LENGTH: Final = 2000
_VISIBLE: Final = re.compile(r"[!-\[\]-~]+")  # no backslash, which browsers read as a slash
_AUTHORITY: Final = re.compile(r"(?:[0-9A-Za-z_.-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?")
_DEFAULT_PORTS: Final = {"https": 443, "http": 80}
RULE: Final = (
    f"an absolute https URL of at most {MAX_URL_LENGTH} visible ASCII characters, without \\ and without"
    " a user name; plain http only on a private host"
)


def origin_of(url: str) -> str:
    """Return scheme, host and port of a URL: small letters, without a default port.

    Raises ValueError, without the URL, for one that is not as RULE says.
    """
    if len(url) > MAX_URL_LENGTH or not _VISIBLE.fullmatch(url):
        raise ValueError(f"must be {RULE}")
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise ValueError(f"must be {RULE}") from None
    if not _AUTHORITY.fullmatch(parts.netloc) or not host.strip(".") or port == 0:
        raise ValueError(f"must be {RULE}")
    if parts.scheme != "https" and not (parts.scheme == "http" and is_private(host)):
        raise ValueError(f"must be {RULE}")
    name = f"[{host}]" if ":" in host else host
    is_default = port is None or port == _DEFAULT_PORTS[parts.scheme]
    return f"{parts.scheme}://{name}" if is_default else f"{parts.scheme}://{name}:{port}"


def read_origin(text: str) -> str:
    """Return the one spelling of an origin that stands alone. Raises ValueError, without it."""
    origin = origin_of(text)
    parts = urlsplit(text)
    if parts.path.strip("/") or "?" in text or "#" in text:
        raise ValueError("must be an origin, as in https://shop.example.com, without a path")
    return origin
