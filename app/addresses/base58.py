"""Base58 and base58check, as Bitcoin and the coins that descend from it write addresses.

Big-endian number in base 58, leading zero bytes as leading `1`; base58check appends the first
four bytes of a double SHA-256.
"""

import hashlib
from typing import Final

from app.addresses.faults import InvalidAddress

ALPHABET: Final = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
DIGITS: Final = {character: value for value, character in enumerate(ALPHABET)}
CHECKSUM_BYTES: Final = 4


def to_number(text: str) -> int:
    """Read base58 digits, most significant first; InvalidAddress for any other character."""
    number = 0
    for character in text:
        digit = DIGITS.get(character)
        if digit is None:
            raise InvalidAddress("it has a character that base58 does not use")
        number = number * 58 + digit
    return number


def to_digits(number: int, length: int = 0) -> str:
    """Write a number in base58, filled with `1` on the left up to `length` characters."""
    text = ""
    while number:
        number, digit = divmod(number, 58)
        text = ALPHABET[digit] + text
    return text.rjust(length, ALPHABET[0])


def decode_base58(text: str) -> bytes:
    """Return the bytes of a base58 text without a checksum; InvalidAddress for other characters."""
    number = to_number(text)
    zeros = len(text) - len(text.lstrip(ALPHABET[0]))
    return bytes(zeros) + number.to_bytes((number.bit_length() + 7) // 8)


def encode_base58(raw: bytes) -> str:
    """Write bytes in base58, without a checksum."""
    zeros = len(raw) - len(raw.lstrip(b"\0"))
    return ALPHABET[0] * zeros + to_digits(int.from_bytes(raw))


def decode_base58check(text: str) -> bytes:
    """Return version and payload, without the checksum, of a base58check text.

    Raises InvalidAddress for a foreign character, a text that is too short, a wrong checksum.
    """
    raw = decode_base58(text)
    if len(raw) <= CHECKSUM_BYTES:
        raise InvalidAddress("it is too short")
    body, checksum = raw[:-CHECKSUM_BYTES], raw[-CHECKSUM_BYTES:]
    if _checksum(body) != checksum:
        raise InvalidAddress("its base58 checksum is wrong")
    return body


def encode_base58check(version: bytes, payload: bytes) -> str:
    """Write version and payload with their checksum."""
    body = version + payload
    return encode_base58(body + _checksum(body))


def _checksum(body: bytes) -> bytes:
    return hashlib.sha256(hashlib.sha256(body).digest()).digest()[:CHECKSUM_BYTES]
