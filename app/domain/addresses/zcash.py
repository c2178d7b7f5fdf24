"""Addresses of Zcash: transparent, TEX (ZIP 320), Sapling, unified (ZIP 316) and Sprout ones.

A TEX address is a transparent one of a public key hash, written so that wallets pay it from
transparent funds alone.
"""

from collections.abc import Mapping
from typing import Final

from app.domain.addresses.base58 import decode_base58check, encode_base58check
from app.domain.addresses.bech32 import Encoding, decode_bech32, encode_bech32, to_bytes, to_values
from app.domain.addresses.faults import InvalidAddress

_HASH_BYTES: Final = 20
# What a TEX address and its transparent one begin with, by network.
_TEX: Final[Mapping[str, bytes]] = {"tex": b"\x1c\xb8", "textest": b"\x1d\x25"}
_SAPLING: Final = ("zs", "ztestsapling")
_SAPLING_BYTES: Final = 43
_UNIFIED: Final = ("u", "utest")
_UNIFIED_LEAST_BYTES: Final = 48
_SPROUT: Final = (b"\x16\x9a", b"\x16\xb6")
_SPROUT_BYTES: Final = 64
_MAX_LENGTH: Final = 512


def decode_tex(address: str) -> bytes:
    """Return version and hash of the transparent address that this is. Raises InvalidAddress."""
    prefix, values, encoding = decode_bech32(address)
    if prefix not in _TEX or encoding is not Encoding.BECH32M:
        raise InvalidAddress("its prefix is not one of this coin")
    account = to_bytes(values)
    if len(account) != _HASH_BYTES:
        raise InvalidAddress("its length is not the one of a public key hash")
    return _TEX[prefix] + account


def tex_as_transparent(address: str) -> str:
    """Write a TEX address as the transparent one of its hash. Raises InvalidAddress."""
    body = decode_tex(address)
    return encode_base58check(body[:-_HASH_BYTES], body[-_HASH_BYTES:])


def encode_tex(account: bytes) -> str:
    """Write a public key hash as a TEX address of the main network."""
    return encode_bech32("tex", to_values(account), Encoding.BECH32M)


def decode_shielded(address: str) -> bytes:
    """Return the bytes of a Sapling, unified or Sprout address. Raises InvalidAddress."""
    if address[:2] in ("zc", "zt") and "1" not in address[2:13]:
        return _sprout(address)
    prefix, values, encoding = decode_bech32(address, max_length=_MAX_LENGTH)
    raw = to_bytes(values)
    if prefix in _SAPLING and encoding is Encoding.BECH32 and len(raw) == _SAPLING_BYTES:
        return raw
    if prefix in _UNIFIED and encoding is Encoding.BECH32M and len(raw) >= _UNIFIED_LEAST_BYTES:
        return raw
    raise InvalidAddress("its prefix and length are not ones of this coin")


def _sprout(address: str) -> bytes:
    body = decode_base58check(address)
    if body[:-_SPROUT_BYTES] not in _SPROUT:
        raise InvalidAddress("its prefix and length are not ones of this coin")
    return body[2:]
