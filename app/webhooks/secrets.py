"""Secrets of endpoints at rest: sealed by the operator's key, if there is one.

They sign, so they cannot be kept as hashes. Without a key whoever reads the database can sign in
the name of this service.
"""

from collections.abc import Sequence
from typing import Final

from app.runtime.faults import OperatorFault
from app.runtime.sealing import seal, unseal

_USE: Final = b"assay: secret of a webhook endpoint"
_OPEN: Final = b"\x00"
_SEALED: Final = b"\x01"


class SecretUnreadable(OperatorFault):
    """No key of `ASSAY_WEBHOOK_KEY` opens the secret of an endpoint."""


class SecretStore:
    """Seals secrets by the first of the operator's keys, and opens them by any."""

    def __init__(self, keys: Sequence[str]) -> None:
        self._keys = tuple(keys)

    def seal(self, secret: bytes) -> bytes:
        """Return the secret as it is stored."""
        if not self._keys:
            return _OPEN + secret
        return _SEALED + seal(secret, self._keys[0], use=_USE)

    def is_sealed(self, stored: bytes) -> bool:
        """Say whether a secret is sealed where it is stored."""
        return stored[:1] == _SEALED

    def unseal(self, stored: bytes) -> bytes:
        """Return a secret that was sealed. Raises SecretUnreadable."""
        kind, rest = stored[:1], stored[1:]
        if kind == _OPEN:
            return rest
        for key in self._keys:
            secret = unseal(rest, key, use=_USE)
            if secret is not None:
                return secret
        raise SecretUnreadable(
            "ASSAY_WEBHOOK_KEY: no key opens the secret of a webhook endpoint; add the one that"
            " sealed it, or give the endpoint a new secret"
        )
