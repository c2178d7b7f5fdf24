"""Sealing what holds a secret under the credential of whoever may read it.

The database has no such credential, or its hash alone, so that nobody can read in it what is
sealed: an API key, a session token, or a key of the operator.
"""

import os
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_NONCE_BYTES: Final = 12  # NIST SP 800-38D, section 8.2.2: random, and new for each text
ANSWER: Final = b"assay: answer under an idempotency key"


def seal(plain: bytes, credential: str, *, use: bytes = ANSWER) -> bytes:
    """Encrypt and authenticate bytes (AES-256-GCM) under a credential, for one use of it."""
    nonce = os.urandom(_NONCE_BYTES)
    return nonce + _cipher(credential, use).encrypt(nonce, plain, None)


def unseal(sealed: bytes, credential: str, *, use: bytes = ANSWER) -> bytes | None:
    """Return what was sealed; None: under another credential, or for another use."""
    nonce, text = sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:]
    try:
        return _cipher(credential, use).decrypt(nonce, text, None)
    except InvalidTag:
        return None


def _cipher(credential: str, use: bytes) -> AESGCM:
    """Derive the key (RFC 5869): a credential has at least 190 random bits, and needs no salt."""
    derived = HKDF(SHA256(), length=32, salt=None, info=use).derive(credential.encode())
    return AESGCM(derived)
