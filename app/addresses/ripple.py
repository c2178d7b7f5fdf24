"""Addresses of the XRP Ledger: base58check in an alphabet of its own.

A classic address is an account; an X-address (XLS-5) carries a destination tag as well.
"""

from typing import Final

from app.addresses.base58 import ALPHABET, decode_base58check, encode_base58check
from app.addresses.faults import InvalidAddress

_RIPPLE_ALPHABET: Final = "rpshnaf39wBUDNEGHJKLM4PQRST7VWXYZ2bcdeCg65jkm8oFqi1tuvAxyz"
_TO_BITCOIN: Final = str.maketrans(_RIPPLE_ALPHABET, ALPHABET)
_FROM_BITCOIN: Final = str.maketrans(ALPHABET, _RIPPLE_ALPHABET)

_CLASSIC: Final = b"\x00"
_ACCOUNT_BYTES: Final = 20
_X_PREFIXES: Final = (b"\x05\x44", b"\x04\x93")  # the main network, the test networks
_X_BYTES: Final = 31  # prefix, account, flag, and a tag of 8 bytes
_MAX_X_FLAG: Final = 1  # 0: no tag, 1: a tag of 32 bits; 2 is reserved
_X_TAG: Final = slice(-8, None)
_X_FLAG: Final = -9
_ZEROS: Final = bytes(4)


def ripple_account(address: str) -> bytes:
    """Return the 20 bytes of the account of an address.

    Raises InvalidAddress for anything that is neither a classic nor an X-address.
    """
    body = decode_base58check(address.translate(_TO_BITCOIN))
    if len(body) == _X_BYTES and body[:2] in _X_PREFIXES:
        flag, tag = body[_X_FLAG], body[_X_TAG]
        if flag > _MAX_X_FLAG or tag[4:] != _ZEROS or (not flag and tag[:4] != _ZEROS):
            raise InvalidAddress("its destination tag is not one that is defined")
        return body[2 : 2 + _ACCOUNT_BYTES]
    if body[:1] != _CLASSIC or len(body) != 1 + _ACCOUNT_BYTES:
        raise InvalidAddress("its prefix and length are not ones of this coin")
    return body[1:]


def encode_ripple(account: bytes) -> str:
    """Write an account of 20 bytes as a classic address."""
    return encode_base58check(_CLASSIC, account).translate(_FROM_BITCOIN)
