"""SS58 addresses, as Polkadot and its relatives write them: base58 with a BLAKE2b checksum.

The prefix says for which network an account is written; its key is the same on all of them.
"""

import hashlib
from typing import Final

from app.addresses.base58 import decode_base58, encode_base58
from app.addresses.faults import InvalidAddress

_CONTEXT: Final = b"SS58PRE"
_KEY_BYTES: Final = 32
_CHECKSUM_BYTES: Final = 2
_TWO_BYTES: Final = 64  # a prefix from here on takes two bytes, of which the first is at least this
_BEYOND: Final = 128
_RESERVED: Final = (46, 47)


def decode_ss58(address: str) -> tuple[int, bytes]:
    """Return network prefix and public key of an account on any network.

    Raises InvalidAddress for anything else, and for the prefixes that are reserved.
    """
    raw = decode_base58(address)
    size = len(raw) - _KEY_BYTES - _CHECKSUM_BYTES
    if not raw or size != 1 + (raw[0] >= _TWO_BYTES):
        raise InvalidAddress("no account has its length")
    body = raw[:-_CHECKSUM_BYTES]
    if _checksum(body) != raw[-_CHECKSUM_BYTES:]:
        raise InvalidAddress("its checksum is wrong")
    prefix = _read_prefix(body[:size])
    if prefix in _RESERVED or raw[0] >= _BEYOND:
        raise InvalidAddress("its network prefix is a reserved one")
    return prefix, body[size:]


def encode_ss58(prefix: int, key: bytes) -> str:
    """Write a network prefix below 16,384 and a public key of 32 bytes."""
    body = _write_prefix(prefix) + key
    return encode_base58(body + _checksum(body))


def _read_prefix(raw: bytes) -> int:
    if len(raw) == 1:
        return raw[0]
    low = (raw[0] & 0x3F) << 2 | raw[1] >> 6
    return (raw[1] & 0x3F) << 8 | low


def _write_prefix(prefix: int) -> bytes:
    if prefix < _TWO_BYTES:
        return bytes([prefix])
    low, high = prefix & 0xFF, prefix >> 8
    return bytes([low >> 2 | _TWO_BYTES, (low & 3) << 6 | high])


def _checksum(body: bytes) -> bytes:
    return hashlib.blake2b(_CONTEXT + body).digest()[:_CHECKSUM_BYTES]
