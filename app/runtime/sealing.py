"""Sealing what holds a secret under the credential of whoever may read it.

The database keeps credentials as hashes alone, so that nobody can read in it what is sealed.
"""

import os
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_NONCE_BYTES: Final = 12  # NIST SP 800-38D, section 8.2.2: random, and new for each text
_USE: Final = b"assay: answer under an idempotency key"


def seal(plain: bytes, credential: str) -> bytes:
    """Encrypt and authenticate bytes (AES-256-GCM) under an API key or a session token."""
    nonce = os.urandom(_NONCE_BYTES)
    return nonce + _cipher(credential).encrypt(nonce, plain, None)


def unseal(sealed: bytes, credential: str) -> bytes | None:
    """Return what was sealed; None: it was sealed under another credential."""
    nonce, text = sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:]
    try:
        return _cipher(credential).decrypt(nonce, text, None)
    except InvalidTag:
        return None


def _cipher(credential: str) -> AESGCM:
    """Derive the key (RFC 5869): a credential has at least 190 random bits, and needs no salt."""
    derived = HKDF(SHA256(), length=32, salt=None, info=_USE).derive(credential.encode())
    return AESGCM(derived)
