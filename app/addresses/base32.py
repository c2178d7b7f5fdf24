"""Addresses in base 32 (RFC 4648, capitals, no padding): Stellar's and Algorand's."""

import base64
import binascii
from collections.abc import Mapping
from typing import Final

from Crypto.Hash import SHA512

from app.addresses.faults import InvalidAddress

STELLAR_ACCOUNT: Final = 6 << 3  # G
STELLAR_MUXED: Final = 12 << 3  # M: an account and a number of 64 bits (SEP 23)
_STELLAR_CONTRACT: Final = 2 << 3  # C

_KEY_BYTES: Final = 32
_STELLAR_BYTES: Final[Mapping[int, int]] = {
    STELLAR_ACCOUNT: _KEY_BYTES,
    STELLAR_MUXED: _KEY_BYTES + 8,
    _STELLAR_CONTRACT: _KEY_BYTES,
}
_CRC_BYTES: Final = 2
_ALGORAND_CHECKSUM_BYTES: Final = 4
_GROUP: Final = 8  # base 32 is written in groups of so many characters


def decode_stellar(address: str) -> tuple[int, bytes]:
    """Return version byte and payload of an account, muxed account or contract.

    Raises InvalidAddress for anything else, secret seeds included.
    """
    raw = _decode(address)
    if not raw or _STELLAR_BYTES.get(raw[0]) != len(raw) - 1 - _CRC_BYTES:
        raise InvalidAddress("its version and length are not ones of an address")
    body = raw[:-_CRC_BYTES]
    if _crc(body) != raw[-_CRC_BYTES:]:
        raise InvalidAddress("its checksum is wrong")
    return body[0], body[1:]


def encode_stellar(version: int, payload: bytes) -> str:
    """Write a version byte and payload with their checksum (CRC-16/XMODEM, low byte first)."""
    body = bytes([version]) + payload
    return _encode(body + _crc(body))


def decode_algorand(address: str) -> bytes:
    """Return the public key of an address, 32 bytes. Raises InvalidAddress."""
    raw = _decode(address)
    key, checksum = raw[:_KEY_BYTES], raw[_KEY_BYTES:]
    if len(raw) != _KEY_BYTES + _ALGORAND_CHECKSUM_BYTES:
        raise InvalidAddress("no address has its length")
    if _algorand_checksum(key) != checksum:
        raise InvalidAddress("its checksum is wrong")
    return key


def encode_algorand(key: bytes) -> str:
    """Write a public key of 32 bytes with the last 4 bytes of its SHA-512/256."""
    return _encode(key + _algorand_checksum(key))


def _algorand_checksum(key: bytes) -> bytes:
    return SHA512.new(key, truncate="256").digest()[-_ALGORAND_CHECKSUM_BYTES:]


def _crc(body: bytes) -> bytes:
    return binascii.crc_hqx(body, 0).to_bytes(_CRC_BYTES, "little")


def _encode(raw: bytes) -> str:
    return base64.b32encode(raw).decode().rstrip("=")


def _decode(text: str) -> bytes:
    try:
        raw = base64.b32decode(text + "=" * (-len(text) % _GROUP))
    except binascii.Error:
        raise InvalidAddress("it is not base 32") from None
    if _encode(raw) != text:
        raise InvalidAddress("its last bits are not the zeros that pad it")
    return raw
