"""CryptoNote addresses, as AEON and Monero write them.

A varint prefix, the payload (spend key and view key of 32 bytes each, then a payment id of 8
bytes if the address is integrated), and the first four bytes of Keccak-256 with its original
padding; all in base58 by blocks of 8 bytes, each written in 11 characters.
"""

from typing import Final

from Crypto.Hash import keccak

from app.addresses.base58 import CHECKSUM_BYTES, to_digits, to_number
from app.addresses.faults import InvalidAddress

AEON_MAINNET_STANDARD: Final = 0xB2
AEON_MAINNET_INTEGRATED: Final = 0x2733
AEON_MAINNET_SUBADDRESS: Final = 0x06B8
AEON_TESTNET_STANDARD: Final = 0x0426
AEON_TESTNET_INTEGRATED: Final = 0x2C27
AEON_TESTNET_SUBADDRESS: Final = 0x0AAC
AEON_STAGENET_STANDARD: Final = 0x011A
AEON_STAGENET_INTEGRATED: Final = 0x2C1B
AEON_STAGENET_SUBADDRESS: Final = 0x0B20

KEYS_BYTES: Final = 64
PAYMENT_ID_BYTES: Final = 8

_BLOCK_BYTES: Final = 8
# How many characters write a block of so many bytes; the last block may be short.
_BLOCK_CHARACTERS: Final = (0, 2, 3, 5, 6, 7, 9, 10, 11)
_VARINT_MORE: Final = 0x80  # set in each byte of a varint but the last
_MAX_PREFIX: Final = 2**64 - 1


def encode_cryptonote(prefix: int, payload: bytes) -> str:
    """Write an address: prefix, payload and their checksum.

    Raises ValueError when the prefix is negative or above 64 bits.
    """
    if not 0 <= prefix <= _MAX_PREFIX:
        raise ValueError("the prefix must be from 0 to 2^64 - 1")
    body = _varint(prefix) + payload
    raw = body + _checksum(body)
    blocks = [raw[start : start + _BLOCK_BYTES] for start in range(0, len(raw), _BLOCK_BYTES)]
    return "".join(
        to_digits(int.from_bytes(block), _BLOCK_CHARACTERS[len(block)]) for block in blocks
    )


def decode_cryptonote(address: str) -> tuple[int, bytes]:
    """Return prefix and payload of an address.

    Raises InvalidAddress for a foreign character, an impossible length, a wrong checksum.
    """
    step = _BLOCK_CHARACTERS[_BLOCK_BYTES]
    blocks = [address[start : start + step] for start in range(0, len(address), step)]
    raw = b"".join(_read_block(block) for block in blocks)
    if len(raw) <= CHECKSUM_BYTES:
        raise InvalidAddress("it is too short")
    body, checksum = raw[:-CHECKSUM_BYTES], raw[-CHECKSUM_BYTES:]
    if _checksum(body) != checksum:
        raise InvalidAddress("its CryptoNote checksum is wrong")
    return _read_prefix(body)


def _read_block(text: str) -> bytes:
    if len(text) not in _BLOCK_CHARACTERS:
        raise InvalidAddress("no CryptoNote address has its length")
    size = _BLOCK_CHARACTERS.index(len(text))
    number = to_number(text)
    if number >> 8 * size:
        raise InvalidAddress("one of its blocks stands for too large a number")
    return number.to_bytes(size)


def _varint(number: int) -> bytes:
    encoded = bytearray()
    while number >= _VARINT_MORE:
        encoded.append(number & 0x7F | _VARINT_MORE)
        number >>= 7
    encoded.append(number)
    return bytes(encoded)


def _read_prefix(body: bytes) -> tuple[int, bytes]:
    prefix = 0
    for position, byte in enumerate(body):
        prefix |= (byte & 0x7F) << 7 * position
        if byte < _VARINT_MORE:
            break
    payload = body[position + 1 :]
    if prefix > _MAX_PREFIX or _varint(prefix) + payload != body:
        raise InvalidAddress("its prefix is not written as a number of 64 bits")
    return prefix, payload


def _checksum(body: bytes) -> bytes:
    return keccak.new(digest_bits=256, data=body).digest()[:CHECKSUM_BYTES]
