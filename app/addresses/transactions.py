"""Names of transactions: the form that each chain gives them, and the one spelling of each.

Nearly all are a hash of 32 bytes; what differs is how it is written.
"""

import base64
import binascii
import re
from collections.abc import Callable, Mapping
from typing import Final

from app.addresses.base58 import decode_base58, decode_base58check
from app.addresses.chains import EVM_CHAINS
from app.addresses.coins import COINS
from app.addresses.faults import InvalidAddress
from app.addresses.reading import chains_of

Reader = Callable[[str], str]

_HASH_BYTES: Final = 32
_SIGNATURE_BYTES: Final = 64
_HEX: Final = re.compile(r"[0-9a-fA-F]{64}")
_HEX_0X: Final = re.compile(r"(?:0[xX])?([0-9a-fA-F]{64})")
_EXTRINSIC: Final = re.compile(r"[1-9][0-9]{0,9}-[0-9]{1,5}")
_HEDERA: Final = re.compile(r"0\.0\.[1-9][0-9]{0,18}[@-][0-9]{10}[.-][0-9]{1,9}")
_BASE32: Final = re.compile(r"[A-Z2-7]{52}")
_BASE64: Final = re.compile(r"[0-9A-Za-z+/_-]{43}=?")
_OPERATION: Final = b"\x05\x74"
# 32 bytes in base58 have some 43 characters: what is shorter may be an address.
_UNKNOWN: Final = re.compile(r"[0-9A-Za-z@._=+/-]{40,128}")
_ANY_HEX: Final = re.compile(r"(?:0[xX])?[0-9a-fA-F]+")


def read_transaction(currency: str, address: str, tx_hash: str) -> str:
    """Return the one spelling of the transaction that a text names.

    It must have the form of a chain on which the address may be an account. Raises InvalidAddress,
    whose text is what would be allowed.
    """
    if currency.upper() not in COINS:
        return _read_unknown(tx_hash)
    readers = {_READERS.get(chain, _BITCOIN) for chain in chains_of(currency, address)}
    for _, read in sorted(readers, key=lambda pair: pair[0]):
        try:
            return read(tx_hash)
        except InvalidAddress:
            continue
    raise InvalidAddress(" or ".join(sorted(text for text, _ in readers)) or _BITCOIN[0])


def one_transaction(currency: str, address: str, tx_hash: str) -> str:
    """Return the one spelling of a transaction; what names none stays as it is."""
    try:
        return read_transaction(currency, address, tx_hash)
    except InvalidAddress:
        return tx_hash


def _read_unknown(text: str) -> str:
    """Read the name of a transaction on a chain that nobody knows."""
    if _ANY_HEX.fullmatch(text):
        return _any_hex(text)
    if not _UNKNOWN.fullmatch(text) and not _HEDERA.fullmatch(text):
        raise InvalidAddress("64 hexadecimal digits, or 40 to 128 letters, digits and @._=+/-")
    return text


def _bare_hex(text: str) -> str:
    if not _HEX.fullmatch(text):
        raise InvalidAddress("it is not 64 hexadecimal digits")
    return text.lower()


def _any_hex(text: str) -> str:
    match = _HEX_0X.fullmatch(text)
    if match is None:
        raise InvalidAddress("64 hexadecimal digits, with or without 0x")
    return match[1].lower()


def _evm(text: str) -> str:
    return f"0x{_any_hex(text)}"


def _matching(pattern: re.Pattern[str]) -> Reader:
    def read(text: str) -> str:
        if not pattern.fullmatch(text):
            raise InvalidAddress("it has another form")
        return text

    return read


def _polkadot(text: str) -> str:
    return text if _EXTRINSIC.fullmatch(text) else _evm(text)


def _base58_of(size: int) -> Reader:
    def read(text: str) -> str:
        if len(decode_base58(text)) != size:
            raise InvalidAddress("it does not stand for so many bytes")
        return text

    return read


def _ton(text: str) -> str:
    if not _BASE64.fullmatch(text):
        return _bare_hex(text)
    try:
        raw = base64.b64decode(text.rstrip("=").replace("-", "+").replace("_", "/") + "=")
    except binascii.Error:
        raise InvalidAddress("it is not base64") from None
    return raw.hex()


def _tezos(text: str) -> str:
    body = decode_base58check(text)
    if body[: len(_OPERATION)] != _OPERATION or len(body) != len(_OPERATION) + _HASH_BYTES:
        raise InvalidAddress("it is not the hash of an operation")
    return text


# What is allowed, in words, and how it is read.
_BITCOIN: Final = ("64 hexadecimal digits", _bare_hex)
_WITH_0X: Final = ("64 hexadecimal digits, with or without 0x", _any_hex)
_EVM: Final = ("0x and 64 hexadecimal digits", _evm)
_READERS: Final[Mapping[str, tuple[str, Reader]]] = {
    **{names[0]: _EVM for names in EVM_CHAINS.values()},
    "algorand": ("52 characters of base 32", _matching(_BASE32)),
    "aptos": _EVM,
    "asset-hub": _EVM,
    "hedera": ("an id as in 0.0.1234@1700000000.000000000", _matching(_HEDERA)),
    "near": ("base58 of 32 bytes", _base58_of(_HASH_BYTES)),
    "polkadot": ("0x and 64 hexadecimal digits, or a block and an index as in 123-4", _polkadot),
    "solana": ("base58 of 64 bytes", _base58_of(_SIGNATURE_BYTES)),
    "starknet": _EVM,
    "sui": ("base58 of 32 bytes", _base58_of(_HASH_BYTES)),
    "tezos": ("the hash of an operation, which begins with o", _tezos),
    "ton": ("64 hexadecimal digits, or base64 of 32 bytes", _ton),
    "tron": _WITH_0X,
}
