"""Addresses of Cardano: Bech32 since the Shelley era (CIP 19), base58 of CBOR before."""

import re
import zlib
from collections.abc import Mapping
from typing import Final

from app.addresses.base58 import decode_base58, encode_base58
from app.addresses.bech32 import Encoding, decode_bech32, encode_bech32, to_bytes, to_values
from app.addresses.faults import InvalidAddress

_MAX_LENGTH: Final = 120  # a base address of the test network has 108 characters
_MAINNET, _TESTNET = 1, 0
# The prefix says account or reward address, and the network.
_PREFIXES: Final[Mapping[str, tuple[bool, int]]] = {
    "addr": (False, _MAINNET),
    "addr_test": (False, _TESTNET),
    "stake": (True, _MAINNET),
    "stake_test": (True, _TESTNET),
}
_HASH: Final = 28
_POINTERS: Final = range(1 + _HASH + 3, 1 + _HASH + 31)  # three numbers of 1 to 10 bytes
_BASE: Final = range(1 + 2 * _HASH, 2 + 2 * _HASH)
_ONE_HASH: Final = range(1 + _HASH, 2 + _HASH)
# Sizes by the type in the upper half of the header byte.
_ACCOUNTS: Final[Mapping[int, range]] = {
    **dict.fromkeys(range(4), _BASE),
    **dict.fromkeys((4, 5), _POINTERS),
    **dict.fromkeys((6, 7), _ONE_HASH),
}
_REWARDS: Final[Mapping[int, range]] = dict.fromkeys((14, 15), _ONE_HASH)
_SPENT_BY_KEY: Final = (0, 2, 4, 6)
_ENTERPRISE: Final = 6
_HEX: Final = re.compile(r"(?:[0-9a-fA-F]{2})+")

# CBOR: an array of two, of which the first is tag 24 over bytes whose length follows.
_BYRON_HEAD: Final = b"\x82\xd8\x18\x58"
_BYRON_ROOT: Final = b"\x83\x58\x1c"  # an array of three, of which the first is a hash of 28 bytes
_CRC_BYTES: Final = {0x18: 1, 0x19: 2, 0x1A: 4}  # how CBOR writes a number that takes so many


def decode_shelley(address: str) -> bytes:
    """Return the bytes of an address, its header first. Raises InvalidAddress."""
    prefix, values, encoding = decode_bech32(address, max_length=_MAX_LENGTH)
    if prefix not in _PREFIXES or encoding is not Encoding.BECH32:
        raise InvalidAddress("its prefix is not one of this coin")
    raw = to_bytes(values)
    is_reward, network = _PREFIXES[prefix]
    if not raw or raw[0] & 0x0F != network:
        raise InvalidAddress("its network is not the one of its prefix")
    _check_size(raw, _REWARDS if is_reward else _ACCOUNTS)
    return raw


def decode_hex_shelley(address: str) -> bytes:
    """Return the bytes of an address of the main network in hexadecimal digits (CIP 30)."""
    if not _HEX.fullmatch(address):
        raise InvalidAddress("it is not hexadecimal digits")
    raw = bytes.fromhex(address)
    if not raw or raw[0] & 0x0F != _MAINNET:
        raise InvalidAddress("its network is not the main one")
    _check_size(raw, {**_ACCOUNTS, **_REWARDS})
    return raw


def shelley_account(raw: bytes) -> str:
    """Write the account that an address pays: an enterprise address where a key spends from it.

    The key that spends is the owner, whichever stake key or pointer stands beside it in a base or
    pointer address. Of a script that is not so: one script keeps what is owned by many, who put
    their own stake keys beside it. Reward accounts are accounts of their own.
    """
    kind, network = raw[0] >> 4, raw[0] & 0x0F
    if kind in _SPENT_BY_KEY:
        raw = bytes([_ENTERPRISE << 4 | network]) + raw[1 : 1 + _HASH]
    prefix = "stake" if kind in _REWARDS else "addr"
    return encode_shelley(prefix if network == _MAINNET else f"{prefix}_test", raw)


def _check_size(raw: bytes, sizes: Mapping[int, range]) -> None:
    if len(raw) not in sizes.get(raw[0] >> 4, ()):
        raise InvalidAddress("its type and length are not ones that are in use")


def encode_shelley(prefix: str, raw: bytes) -> str:
    """Write the bytes of an address, its header first."""
    return encode_bech32(prefix, to_values(raw), Encoding.BECH32)


def decode_byron(address: str) -> bytes:
    """Return what the CRC-32 of a Byron address is made of. Raises InvalidAddress."""
    raw = decode_base58(address)
    start = len(_BYRON_HEAD) + 1
    if not raw.startswith(_BYRON_HEAD) or len(raw) < start:
        raise InvalidAddress("it is not an address of the Byron era")
    body, checksum = raw[start : start + raw[start - 1]], raw[start + raw[start - 1] :]
    if not body.startswith(_BYRON_ROOT):
        raise InvalidAddress("it is not an address of the Byron era")
    if checksum != _number(zlib.crc32(body)):
        raise InvalidAddress("its checksum is wrong")
    return body


def encode_byron(root: bytes) -> str:
    """Write a root hash of 28 bytes as an address of the main network that says no more."""
    body = _BYRON_ROOT + root + b"\xa0\x00"  # no attributes, a public key
    return encode_base58(_BYRON_HEAD + bytes([len(body)]) + body + _number(zlib.crc32(body)))


def _number(value: int) -> bytes:
    """Write a number of at most 32 bits as CBOR, in its shortest form."""
    if value < min(_CRC_BYTES):
        return bytes([value])
    head, size = next(pair for pair in _CRC_BYTES.items() if not value >> 8 * pair[1])
    return bytes([head]) + value.to_bytes(size)
