"""Addresses of Zcash: transparent, TEX (ZIP 320), Sapling, unified (ZIP 316) and Sprout ones.

A TEX address is a transparent one of a public key hash, written so that wallets pay it from
transparent funds alone. A unified address holds receivers of several kinds, mixed by F4Jumble: a
permutation of its bytes, after which every bit depends on every other.
"""

import hashlib
from collections.abc import Mapping
from typing import Final

from app.addresses.base58 import decode_base58check, encode_base58check
from app.addresses.bech32 import Encoding, decode_bech32, encode_bech32, to_bytes, to_values
from app.addresses.faults import InvalidAddress

_HASH_BYTES: Final = 20
# What a TEX address and its transparent one begin with, by network.
_TEX: Final[Mapping[str, bytes]] = {"tex": b"\x1c\xb8", "textest": b"\x1d\x25"}
_SAPLING: Final = ("zs", "ztestsapling")
_SAPLING_BYTES: Final = 43
_UNIFIED: Final = ("u", "utest")
_UNIFIED_BYTES: Final = range(48, 513)
_PADDING_BYTES: Final = 16
_JUMBLED_HALF: Final = 64
_P2PKH, _P2SH, _SAPLING_TYPE, _ORCHARD = range(4)
_RECEIVER_BYTES: Final = {
    _P2PKH: _HASH_BYTES,
    _P2SH: _HASH_BYTES,
    _SAPLING_TYPE: _SAPLING_BYTES,
    _ORCHARD: 43,
}
# What the receivers of a network are written with: transparent versions, and Sapling's prefix.
_RECEIVERS: Final[Mapping[str, tuple[bytes, bytes, str]]] = {
    "u": (b"\x1c\xb8", b"\x1c\xbd", "zs"),
    "utest": (b"\x1d\x25", b"\x1c\xba", "ztestsapling"),
}
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
    if prefix in _UNIFIED:
        _receivers(prefix, raw, encoding)
        return raw
    raise InvalidAddress("its prefix and length are not ones of this coin")


def unified_as_receiver(address: str) -> str:
    """Write the receiver of a unified address that lists name: the transparent one, or Sapling's.

    Raises InvalidAddress, for one that has an Orchard receiver alone, too.
    """
    prefix, values, encoding = decode_bech32(address, max_length=_MAX_LENGTH)
    if prefix not in _UNIFIED:
        raise InvalidAddress("it is not a unified address")
    receivers = _receivers(prefix, to_bytes(values), encoding)
    key_hash, script_hash, sapling = _RECEIVERS[prefix]
    if _P2PKH in receivers:
        return encode_base58check(key_hash, receivers[_P2PKH])
    if _P2SH in receivers:
        return encode_base58check(script_hash, receivers[_P2SH])
    if _SAPLING_TYPE in receivers:
        return encode_bech32(sapling, to_values(receivers[_SAPLING_TYPE]), Encoding.BECH32)
    raise InvalidAddress("it has no receiver that has an address of its own")


def has_other_receiver(address: str) -> bool:
    """Say whether a unified address has Sapling's receiver beside the one it is looked up by.

    Raises InvalidAddress.
    """
    prefix, values, encoding = decode_bech32(address, max_length=_MAX_LENGTH)
    if prefix not in _UNIFIED:
        raise InvalidAddress("it is not a unified address")
    receivers = _receivers(prefix, to_bytes(values), encoding)
    return _SAPLING_TYPE in receivers and bool({_P2PKH, _P2SH} & receivers.keys())


def _receivers(prefix: str, jumbled: bytes, encoding: Encoding) -> dict[int, bytes]:
    """Return the receivers of a unified address by their types (ZIP 316, revision 0)."""
    if encoding is not Encoding.BECH32M or len(jumbled) not in _UNIFIED_BYTES:
        raise InvalidAddress("its prefix and length are not ones of this coin")
    raw = _unjumbled(jumbled)
    if raw[-_PADDING_BYTES:] != prefix.encode().ljust(_PADDING_BYTES, b"\0"):
        raise InvalidAddress(
            "its end does not repeat its prefix, as that of a unified address does"
        )
    rest, receivers = raw[:-_PADDING_BYTES], dict[int, bytes]()
    while rest:
        kind, rest = _compact_size(rest)
        size, rest = _compact_size(rest)
        if size != _RECEIVER_BYTES.get(kind, size) or size > len(rest) or kind in receivers:
            raise InvalidAddress("its receivers are not well-formed")
        receivers[kind], rest = rest[:size], rest[size:]
    return receivers


def _compact_size(raw: bytes) -> tuple[int, bytes]:
    """Read a number as Bitcoin writes it: a byte, or after 253 two more (no receiver is longer)."""
    width = 1 if raw[:1] < b"\xfd" else 3
    if len(raw) < width or raw[0] > 0xFD:  # noqa: PLR2004
        raise InvalidAddress("its receivers are not well-formed")
    number = raw[0] if width == 1 else int.from_bytes(raw[1:3], "little")
    return number, raw[width:]


def _unjumbled(jumbled: bytes) -> bytes:
    """Undo F4Jumble (ZIP 316): four rounds of BLAKE2b between two halves."""
    half = min(_JUMBLED_HALF, len(jumbled) // 2)
    left, right = jumbled[:half], jumbled[half:]
    for turn in (1, 0):
        left = _xor(left, _hash("H", turn, 0, right, len(left)))
        blocks = range(-(-len(right) // _JUMBLED_HALF))
        mask = b"".join(_hash("G", turn, block, left, _JUMBLED_HALF) for block in blocks)
        right = _xor(right, mask[: len(right)])
    return left + right


def _hash(name: str, turn: int, block: int, text: bytes, size: int) -> bytes:
    person = f"UA_F4Jumble_{name}".encode() + bytes([turn]) + block.to_bytes(2, "little")
    return hashlib.blake2b(text, digest_size=size, person=person).digest()


def _xor(one: bytes, other: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(one, other, strict=True))


def _sprout(address: str) -> bytes:
    body = decode_base58check(address)
    if body[:-_SPROUT_BYTES] not in _SPROUT:
        raise InvalidAddress("its prefix and length are not ones of this coin")
    return body[2:]
