"""Addresses of TON: the user-friendly form with its checksum (TEP 2), and the raw one without."""

import base64
import binascii
import re
from typing import Final

from app.addresses.faults import InvalidAddress

_FRIENDLY: Final = re.compile(r"[0-9A-Za-z_-]{48}|[0-9A-Za-z+/]{48}")
_RAW: Final = re.compile(r"(0|-1):([0-9a-fA-F]{64})")
_BOUNCEABLE: Final = 0x11
_FLAGS: Final = (_BOUNCEABLE, 0x51, 0x91, 0xD1)  # bounceable or not, and both on test networks
_WORKCHAINS: Final = {b"\x00": 0, b"\xff": -1}
_CRC_BYTES: Final = 2


def decode_ton(address: str) -> tuple[int, bytes]:
    """Return workchain and account id (32 bytes) of a user-friendly address.

    Base64 is read in both alphabets, but not in a mixture. Raises InvalidAddress.
    """
    if not _FRIENDLY.fullmatch(address):
        raise InvalidAddress("it is not 48 characters of base64")
    raw = base64.b64decode(address.replace("-", "+").replace("_", "/"))
    body = raw[:-_CRC_BYTES]
    if binascii.crc_hqx(body, 0).to_bytes(_CRC_BYTES) != raw[-_CRC_BYTES:]:
        raise InvalidAddress("its checksum is wrong")
    workchain = _WORKCHAINS.get(body[1:2])
    if body[0] not in _FLAGS or workchain is None:
        raise InvalidAddress("its flags or its workchain are not ones that are in use")
    return workchain, body[2:]


def decode_raw_ton(address: str) -> tuple[int, bytes]:
    """Return workchain and account id of a raw address. Raises InvalidAddress."""
    match = _RAW.fullmatch(address)
    if match is None:
        raise InvalidAddress("it is not a workchain, a colon and 64 hexadecimal digits")
    return int(match[1]), bytes.fromhex(match[2])


def encode_ton(workchain: int, account_id: bytes) -> str:
    """Write a bounceable user-friendly address of the main network."""
    body = bytes([_BOUNCEABLE, workchain & 0xFF]) + account_id
    raw = body + binascii.crc_hqx(body, 0).to_bytes(_CRC_BYTES)
    return base64.urlsafe_b64encode(raw).decode()
