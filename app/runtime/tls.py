"""TLS of the clients of one process."""

import ssl
from functools import cache

import httpx


@cache
def tls_context() -> ssl.SSLContext:
    """Return what every client verifies servers by: the certificates of certifi, and no others.

    It is made once: reading the certificates takes some 40 ms.
    """
    return httpx.create_ssl_context(trust_env=False)
