"""HTTP to partners: what bounds every request to AEON.to, Esplora servers and risk vendors.

No redirects, no proxies from the environment, no compression, and no more of an answer than it may
have. How long a request may take is for the clients, which know when it was sent.
"""

from importlib.metadata import version
from typing import Final

import httpx

# A server may close an idle connection at the moment we write to it, and the answer is lost:
# let go of it well before the usual 5 s.
KEEPALIVE_SECONDS: Final = 2.0


def open_connections(
    *, accept: str, most: int, transport: httpx.AsyncBaseTransport | None
) -> httpx.AsyncClient:
    """Return a client for one partner with at most so many connections; its caller closes it.

    It has no deadline: the caller's total one stands in its place. `transport` None: the network.
    """
    return httpx.AsyncClient(
        headers={
            "Accept": accept,
            "Accept-Encoding": "identity",
            "User-Agent": f"assay/{version('assay')}",
        },
        transport=transport,
        trust_env=False,
        follow_redirects=False,
        event_hooks={"response": [_forget_redirect]},
        timeout=None,  # noqa: S113  # the client's total deadline stands in its place
        limits=httpx.Limits(max_connections=most, keepalive_expiry=KEEPALIVE_SECONDS),
    )


async def _forget_redirect(response: httpx.Response) -> None:
    """Drop where a redirect leads: httpx parses it even unfollowed, and may raise InvalidURL."""
    response.headers.pop("Location", None)


async def receive(response: httpx.Response, max_body_bytes: int) -> bytes:
    """Read a streamed body, at most one byte more than it may have, and close the response.

    Nothing is read of a compressed one, which was not asked for.
    """
    body = bytearray()
    try:
        if not response.headers.get("Content-Encoding"):
            async for chunk in response.aiter_bytes():
                body += chunk
                if len(body) > max_body_bytes:
                    break
    finally:
        await response.aclose()
    return bytes(body[: max_body_bytes + 1])
