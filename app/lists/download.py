"""Fetching a list from a URL into a file: https, a bounded size, and a bounded time.

OFAC's server redirects to a storage service, so redirects are followed, each to https again.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from email.message import Message
from importlib.metadata import version
from pathlib import PurePosixPath
from typing import IO, Final
from urllib.parse import parse_qsl, unquote, urlsplit, urlunsplit

import httpx

from app.lists.parsers.files import MAX_FILE_BYTES, ListUnreadable, is_list_name
from app.runtime.tls import tls_context

_DEADLINE_SECONDS: Final = 600
_SILENCE_SECONDS: Final = 30
_MAX_REDIRECTS: Final = 5
# What a file is that is called so, its first bytes say again, as with any file (`archives`). Apache's
# mod_mime calls each .gz so, whatever the request allows.
_UNPACKED_LATER: Final = ("", "identity", "gzip", "x-gzip")
_LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})


@dataclass(frozen=True)
class Download:
    """A file that was fetched: its name, and what the server calls this state of it, if it says."""

    name: str
    etag: str | None


def is_url(text: str) -> bool:
    """Say whether this is a URL, and not a path."""
    return "://" in text


def origin_of(url: str) -> str:
    """Return a URL as it may be kept and shown: without a password or a query."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit((parts.scheme, host, parts.path, "", ""))


async def download(
    url: str,
    to: IO[bytes],
    *,
    known: str | None,
    max_bytes: int = MAX_FILE_BYTES,
    deadline_seconds: float = _DEADLINE_SECONDS,
    user_agent: str | None = None,
) -> Download | None:
    """Write what a URL has into a file; None when the server says it is still the `known` ETag.

    `user_agent` is what the program calls itself, if not by its own name: some servers refuse that.

    Raises ListUnreadable for anything that is not https (http on loopback), an answer other than
    200 and 304, too many redirects, more than `max_bytes`, and a server that is too slow.
    """
    headers = {
        "Accept-Encoding": "identity",
        "User-Agent": user_agent or f"assay/{version('assay')}",
        **({"If-None-Match": known} if known else {}),
    }
    timeout = httpx.Timeout(_SILENCE_SECONDS)
    origin = origin_of(url)
    try:
        async with (
            asyncio.timeout(deadline_seconds),
            httpx.AsyncClient(
                headers=headers, timeout=timeout, trust_env=False, verify=tls_context()
            ) as client,
            _answer(client, url) as response,
        ):
            if response.status_code == httpx.codes.NOT_MODIFIED and known:
                return None
            if response.status_code != httpx.codes.OK:
                raise ListUnreadable(origin, _why_not(response.status_code))
            await _save(response, to, max_bytes, origin)
            name = _name_of(url, response.headers.get("Content-Disposition", ""))
            return Download(name, response.headers.get("ETag"))
    except TimeoutError:
        raise ListUnreadable(origin, f"it took longer than {deadline_seconds:g} s") from None
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise ListUnreadable(origin, f"it cannot be fetched: {type(error).__name__}") from None


def _why_not(status: int) -> str:
    answered = f"the server answered {status}"
    if status in (httpx.codes.FORBIDDEN, httpx.codes.NOT_ACCEPTABLE):
        return (
            f"{answered}: it may refuse programs that it does not know, see ASSAY_LIST_USER_AGENT"
        )
    return answered


def _name_of(url: str, disposition: str) -> str:
    """Return the name of a file: that of the path, else one in the query, else the server's."""
    parts = urlsplit(url)
    name = PurePosixPath(unquote(parts.path)).name
    in_query = [PurePosixPath(value).name for _, value in parse_qsl(parts.query)]
    message = Message()
    message["Content-Disposition"] = disposition
    names = (name, *in_query, PurePosixPath(message.get_filename() or "").name)
    return next((one for one in names if is_list_name(one)), name)


async def _save(response: httpx.Response, to: IO[bytes], max_bytes: int, origin: str) -> None:
    encoding = response.headers.get("Content-Encoding", "").strip().lower()
    if encoding not in _UNPACKED_LATER:
        raise ListUnreadable(origin, "the server compressed it in another way than gzip")
    size = 0
    async for piece in response.aiter_raw():
        size += len(piece)
        if size > max_bytes:
            raise ListUnreadable(origin, f"it has more than {max_bytes} bytes")
        to.write(piece)
    to.flush()


@asynccontextmanager
async def _answer(client: httpx.AsyncClient, url: str) -> AsyncIterator[httpx.Response]:
    """Yield the first answer that is no redirect, its body unread."""
    for _ in range(_MAX_REDIRECTS + 1):
        _refuse_insecure(url)
        async with client.stream("GET", url) as response:
            following = response.next_request
            if following is None:
                yield response
                return
            url = str(following.url)
    raise ListUnreadable(origin_of(url), f"it redirects more than {_MAX_REDIRECTS} times")


def _refuse_insecure(url: str) -> None:
    parts = urlsplit(url)
    if parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK):
        return
    raise ListUnreadable(origin_of(url), "it must be an https URL (http only on loopback)")
