"""Addresses of Tron: base58check of 41 and 20 bytes, or the same 21 bytes in hexadecimal digits."""

import re
from typing import Final

from app.addresses.base58 import decode_base58check, encode_base58check
from app.addresses.faults import InvalidAddress

_VERSION: Final = b"\x41"
_ACCOUNT_BYTES: Final = 20
_HEX: Final = re.compile(r"(?:0[xX])?41([0-9a-fA-F]{40})")


def decode_tron(address: str) -> bytes:
    """Return the 20 bytes of an address that begins with T. Raises InvalidAddress."""
    body = decode_base58check(address)
    if body[:-_ACCOUNT_BYTES] != _VERSION:
        raise InvalidAddress("its prefix is not one of Tron")
    return body[1:]


def decode_hex_tron(address: str) -> bytes:
    """Return the 20 bytes of an address in 42 hexadecimal digits, as nodes write it."""
    match = _HEX.fullmatch(address)
    if match is None:
        raise InvalidAddress("it is not 41 and 40 more hexadecimal digits")
    return bytes.fromhex(match[1])


def encode_tron(account: bytes) -> str:
    """Write 20 bytes as an address that begins with T."""
    return encode_base58check(_VERSION, account)
