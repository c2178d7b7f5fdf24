"""Names that the sandbox hands out: uuids, addresses, payment ids, transaction ids.

Each is a hash of the sandbox's secret and what it names, so that a restart names nothing anew.
"""

import hashlib
from dataclasses import dataclass
from typing import Final

from app.addresses import (
    AEON_STAGENET_INTEGRATED,
    AEON_STAGENET_STANDARD,
    encode_base58check,
    encode_cryptonote,
)

_BASE62: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_UUID_LENGTH: Final = 6
_BITCOIN_TESTNET_P2PKH: Final = b"\x6f"  # "List of address prefixes", Bitcoin wiki


@dataclass(frozen=True)
class PaymentTarget:
    """Where a buyer pays: both addresses hold the same keys, the integrated one the short id."""

    receiving_address: str
    receiving_integrated_address: str
    payment_id_long: str
    payment_id_short: str


def _digest(secret: str, *names: str) -> bytes:
    return hashlib.sha256("|".join((secret, *names)).encode()).digest()


def order_uuid(secret: str, number: int) -> str:
    """Name the order of this number: `aeonto-` and 6 characters of base62."""
    rest = int.from_bytes(_digest(secret, "uuid", str(number)))
    characters = ""
    while len(characters) < _UUID_LENGTH:
        rest, digit = divmod(rest, len(_BASE62))
        characters += _BASE62[digit]
    return f"aeonto-{characters}"


def payment_target(secret: str, uuid: str) -> PaymentTarget:
    """Make the stagenet addresses (`Sm…`, `Sz…`) and the payment ids of an order."""
    keys = _digest(secret, "spend", uuid) + _digest(secret, "view", uuid)
    short = _digest(secret, "short payment id", uuid)[:8]
    return PaymentTarget(
        receiving_address=encode_cryptonote(AEON_STAGENET_STANDARD, keys),
        receiving_integrated_address=encode_cryptonote(AEON_STAGENET_INTEGRATED, keys + short),
        payment_id_long=_digest(secret, "long payment id", uuid).hex(),
        payment_id_short=short.hex(),
    )


def unknown_transaction_id(secret: str, uuid: str) -> str:
    """Make up the id of a bitcoin transaction that does not exist: 64 hex digits."""
    return _digest(secret, "transaction", uuid).hex()


def invoice_satoshi(url: str) -> int:
    """Choose what the invoice behind a payment protocol URL asks: 0.002 to 0.1 BTC, in satoshi."""
    return 200_000 + int.from_bytes(_digest("invoice amount", url)[:4]) % 9_800_001


def invoice_address(url: str) -> str:
    """Choose the bitcoin testnet address behind a payment protocol URL (base58check)."""
    return encode_base58check(_BITCOIN_TESTNET_P2PKH, _digest("invoice address", url)[:20])
