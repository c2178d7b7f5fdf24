"""Addresses of Ethereum and the chains that share its accounts: 20 bytes in hexadecimal digits.

Mixed case is a checksum (EIP-55); digits of one case have none. Programs leave the `0x` out, and
the XDC network writes `xdc` in its place.
"""

import re
from typing import Final

from Crypto.Hash import keccak

from app.addresses.faults import InvalidAddress

_EVM: Final = re.compile(r"(?:0[xX]|xdc)?([0-9a-fA-F]{40})")
# ICAP, direct: a check number of two digits, as in an IBAN, and the 20 bytes in base 36.
_ICAP: Final = re.compile(r"XE([0-9]{2})([0-9A-Z]{30,31})")
_ICAP_MODULUS: Final = 97
_ACCOUNT_BYTES: Final = 20
_PADDED: Final = re.compile(r"(?:0[xX])?0{24}[0-9a-fA-F]{40}")


def decode_evm(address: str) -> bytes:
    """Return the 20 bytes of an address whose checksum, if it has one, is right.

    Raises InvalidAddress.
    """
    digits = _digits(address)
    if not _is_one_case(digits) and digits != _with_checksum(digits.lower()):
        raise InvalidAddress(
            "its EIP-55 checksum is wrong: of its letters some have the wrong case"
        )
    return bytes.fromhex(digits)


def decode_checksummed_evm(address: str) -> bytes:
    """Return the 20 bytes of an address with a checksum. Raises InvalidAddress."""
    if _is_one_case(_digits(address)):
        raise InvalidAddress("it has no checksum")
    return decode_evm(address)


def encode_evm(account: bytes) -> str:
    """Write 20 bytes as an address with its checksum."""
    return f"0x{_with_checksum(account.hex())}"


def decode_icap(address: str) -> bytes:
    """Return the 20 bytes of an address that is written as an IBAN. Raises InvalidAddress."""
    match = _ICAP.fullmatch(address)
    if match is None:
        raise InvalidAddress("it is not XE, two digits, and 30 or 31 digits and capital letters")
    digits = "".join(str(int(character, 36)) for character in f"{match[2]}XE{match[1]}")
    if int(digits) % _ICAP_MODULUS != 1:
        raise InvalidAddress("its check number is wrong")
    number = int(match[2], 36)
    if number.bit_length() > 8 * _ACCOUNT_BYTES:
        raise InvalidAddress("it stands for more than 20 bytes")
    return number.to_bytes(_ACCOUNT_BYTES)


def is_padded(address: str) -> bool:
    """Say whether a text is an address filled up to the 32 bytes of a contract's call."""
    return _PADDED.fullmatch(address) is not None


def _digits(address: str) -> str:
    match = _EVM.fullmatch(address)
    if match is None:
        raise InvalidAddress("it is not 0x and 40 hexadecimal digits")
    return match[1]


def _is_one_case(digits: str) -> bool:
    return digits in (digits.lower(), digits.upper())


def _with_checksum(digits: str) -> str:
    digest = keccak.new(digest_bits=256, data=digits.encode()).hexdigest()
    return "".join(
        character.upper() if digit in "89abcdef" else character
        for character, digit in zip(digits, digest, strict=False)
    )
