"""Bech32 (BIP 173), Bech32m and segregated witness addresses (BIP 350), cash addresses.

All are base 32 with a BCH code as checksum: 30 bits in Bech32, 40 in cash addresses.
"""

from collections.abc import Iterable, Sequence
from enum import Enum
from typing import Final

from app.addresses.faults import InvalidAddress

_CHARSET: Final = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_DIGITS: Final = {character: value for value, character in enumerate(_CHARSET)}

_BECH32_MAX_LENGTH: Final = 90
_BECH32_CHECKSUM_LENGTH: Final = 6
_BECH32_BITS: Final = 30
_BECH32_GENERATORS: Final = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)

_MAX_PADDING_BITS: Final = 4

_WITNESS_MAX_VERSION: Final = 16
_WITNESS_BYTES: Final = range(2, 41)
_WITNESS_V0_BYTES: Final = (20, 32)

_CASH_CHECKSUM_LENGTH: Final = 8
_CASH_BITS: Final = 40
_CASH_GENERATORS: Final = (
    0x98F2BC8E61,
    0x79B76D99E2,
    0xF33E5FB3C4,
    0xAE2EABE2A8,
    0x1E4F43E470,
)
_CASH_RESERVED_BIT: Final = 0x80
_CASH_HASH_BYTES: Final = (20, 24, 28, 32, 40, 48, 56, 64)


class Encoding(Enum):
    """The constant that a checksum leaves behind tells the two encodings apart."""

    BECH32 = 1
    BECH32M = 0x2BC830A3


def decode_bech32(
    text: str, *, max_length: int = _BECH32_MAX_LENGTH
) -> tuple[str, bytes, Encoding]:
    """Return the human-readable part, in lower case, the 5-bit values, and the encoding.

    Raises InvalidAddress for anything that BIP 173 and BIP 350 call invalid; some coins allow
    more than the 90 characters of those.
    """
    if len(text) > max_length:
        raise InvalidAddress(f"it is longer than {max_length} characters")
    prefix, separator, rest = _one_case(text).rpartition("1")
    if not separator or not prefix:
        raise InvalidAddress("it has no prefix before a 1")
    if any(not "!" <= character <= "~" for character in prefix):
        raise InvalidAddress("its prefix has a character that is not printable ASCII")
    if len(rest) < _BECH32_CHECKSUM_LENGTH:
        raise InvalidAddress("it is too short")
    values = _values(rest)
    remainder = _remainder([*_expanded(prefix), *values], _BECH32_GENERATORS, _BECH32_BITS)
    try:
        encoding = Encoding(remainder)
    except ValueError:
        raise InvalidAddress("its bech32 checksum is wrong") from None
    return prefix, values[:-_BECH32_CHECKSUM_LENGTH], encoding


def encode_bech32(prefix: str, values: bytes, encoding: Encoding) -> str:
    """Write 5-bit values with their checksum; the prefix is in lower case."""
    padded = [*_expanded(prefix), *values, *bytes(_BECH32_CHECKSUM_LENGTH)]
    checksum = _remainder(padded, _BECH32_GENERATORS, _BECH32_BITS) ^ encoding.value
    return f"{prefix}1{_text(values, checksum, _BECH32_CHECKSUM_LENGTH)}"


def decode_segwit(text: str) -> tuple[str, int, bytes]:
    """Return the human-readable part, witness version and witness program of an address.

    Raises InvalidAddress for anything that BIP 350 calls invalid.
    """
    prefix, values, encoding = decode_bech32(text)
    if not values:
        raise InvalidAddress("it has no witness version")
    version, program = values[0], to_bytes(values[1:])
    if version > _WITNESS_MAX_VERSION:
        raise InvalidAddress("its witness version is above 16")
    allowed = _WITNESS_BYTES if version else _WITNESS_V0_BYTES
    if len(program) not in allowed:
        raise InvalidAddress("its witness program has a length that its version does not allow")
    if encoding is not (Encoding.BECH32M if version else Encoding.BECH32):
        raise InvalidAddress("its checksum is not the one of its witness version")
    return prefix, version, program


def decode_cash_address(text: str, default_prefix: str) -> tuple[str, int, bytes]:
    """Return prefix, type and hash of a Bitcoin Cash address; the prefix may be left out.

    Raises InvalidAddress for anything that the CashAddr specification calls invalid.
    """
    prefix, separator, rest = _one_case(text).rpartition(":")
    if not separator:
        prefix = default_prefix
    values = _values(rest)
    expanded = [ord(character) & 31 for character in prefix] + [0]
    if _remainder([*expanded, *values], _CASH_GENERATORS, _CASH_BITS) != 1:
        raise InvalidAddress("its cash address checksum is wrong")
    payload = to_bytes(values[:-_CASH_CHECKSUM_LENGTH])
    if not payload or payload[0] & _CASH_RESERVED_BIT:
        raise InvalidAddress("its version byte is not one that is defined")
    kind, size = payload[0] >> 3, payload[0] & 7
    if len(payload) - 1 != _CASH_HASH_BYTES[size]:
        raise InvalidAddress("its hash has another length than its version byte says")
    return prefix, kind, payload[1:]


def encode_cash_address(prefix: str, payload: bytes) -> str:
    """Write a version byte and a hash as a Bitcoin Cash address, with its prefix."""
    values = to_values(payload)
    expanded = [ord(character) & 31 for character in prefix] + [0]
    padded = [*expanded, *values, *bytes(_CASH_CHECKSUM_LENGTH)]
    checksum = _remainder(padded, _CASH_GENERATORS, _CASH_BITS) ^ 1
    return f"{prefix}:{_text(values, checksum, _CASH_CHECKSUM_LENGTH)}"


def to_values(raw: bytes) -> bytes:
    """Regroup bytes into 5-bit values, with zero bits at the end."""
    count = -(-8 * len(raw) // 5)
    number = int.from_bytes(raw) << (5 * count - 8 * len(raw))
    return bytes(number >> 5 * position & 31 for position in reversed(range(count)))


def to_bytes(values: bytes) -> bytes:
    """Regroup 5-bit values into bytes; InvalidAddress unless at most 4 zero bits are left."""
    number = 0
    for value in values:
        number = number << 5 | value
    size, padding = divmod(5 * len(values), 8)
    if padding > _MAX_PADDING_BITS or number & ((1 << padding) - 1):
        raise InvalidAddress("its last bits are not the zeros that pad it")
    return (number >> padding).to_bytes(size)


def _one_case(text: str) -> str:
    if not text.isascii():  # the Kelvin sign has a lower case in ASCII
        raise InvalidAddress("it has a character beyond ASCII")
    lower = text.lower()
    if text not in (lower, text.upper()):
        raise InvalidAddress("it mixes upper and lower case")
    return lower


def _expanded(prefix: str) -> list[int]:
    codes = prefix.encode()
    return [code >> 5 for code in codes] + [0] + [code & 31 for code in codes]


def _text(values: bytes, checksum: int, length: int) -> str:
    last = (checksum >> 5 * position & 31 for position in reversed(range(length)))
    return "".join(_CHARSET[value] for value in (*values, *last))


def _values(text: str) -> bytes:
    try:
        return bytes(_DIGITS[character] for character in text)
    except KeyError:
        raise InvalidAddress("it has a character that bech32 does not use") from None


def _remainder(values: Iterable[int], generators: Sequence[int], bits: int) -> int:
    """Divide the values, as a polynomial over GF(32), by the generator of a checksum."""
    shift = bits - 5
    remainder = 1
    for value in values:
        top = remainder >> shift
        remainder = (remainder & ((1 << shift) - 1)) << 5 ^ value
        for position, generator in enumerate(generators):
            if top >> position & 1:
                remainder ^= generator
    return remainder
