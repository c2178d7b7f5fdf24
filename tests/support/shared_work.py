"""What a process of tests works out once, and applications in real life once for a start."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

import httpx
import pytest
from httpx._transports import default

from app.orders.wallet.wallet import Wallet


@contextmanager
def shared_work() -> Iterator[None]:
    """Read certificates for clients of tests once, and derive the addresses of a wallet once."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(default, "create_ssl_context", cache(httpx.create_ssl_context))
        patch.setattr(Wallet, "is_own", cache(Wallet.is_own))
        yield
