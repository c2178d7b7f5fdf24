"""Public keys of receipts from a server, over a connection on which nobody can exchange them."""

from typing import Final
from urllib.parse import urlsplit

import httpx

from app.assessments.rules.receipt_faults import KeysUnreadable
from app.runtime.base_urls import is_on_loopback

_TIMEOUT_SECONDS: Final = 10.0


def download_keys(url: str) -> bytes:
    """Return what the server answers. Raises KeysUnreadable."""
    if urlsplit(url).scheme == "http" and not is_on_loopback(url):
        raise KeysUnreadable("must be https: whoever is on the way could give other keys")
    try:
        answer = httpx.get(url, timeout=_TIMEOUT_SECONDS)
    except httpx.HTTPError as fault:
        raise KeysUnreadable(f"does not answer ({type(fault).__name__})") from None
    if not answer.is_success:
        raise KeysUnreadable(f"answers {answer.status_code}")
    return answer.content
