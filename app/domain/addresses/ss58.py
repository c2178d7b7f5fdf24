"""SS58 addresses, as Polkadot and its relatives write them: base58 with a BLAKE2b checksum."""

import hashlib
from typing import Final

from app.domain.addresses.base58 import decode_base58, encode_base58
from app.domain.addresses.faults import InvalidAddress

_CONTEXT: Final = b"SS58PRE"
_KEY_BYTES: Final = 32
_CHECKSUM_BYTES: Final = 2


def decode_ss58(address: str) -> tuple[int, bytes]:
    """Return network prefix and public key of an account on a network below 64.

    Raises InvalidAddress for anything else.
    """
    raw = decode_base58(address)
    if len(raw) != 1 + _KEY_BYTES + _CHECKSUM_BYTES:
        raise InvalidAddress("no account of this coin has its length")
    body = raw[:-_CHECKSUM_BYTES]
    if _checksum(body) != raw[-_CHECKSUM_BYTES:]:
        raise InvalidAddress("its checksum is wrong")
    return body[0], body[1:]


def encode_ss58(prefix: int, key: bytes) -> str:
    """Write a network prefix below 64 and a public key of 32 bytes."""
    body = bytes([prefix]) + key
    return encode_base58(body + _checksum(body))


def _checksum(body: bytes) -> bytes:
    return hashlib.blake2b(_CONTEXT + body).digest()[:_CHECKSUM_BYTES]
