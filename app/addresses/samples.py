"""Random addresses of every kind whose form is checked, to look for hits that must not be.

Nobody has their keys: each is made of random bytes and the checksum that belongs to them.
"""

from collections.abc import Callable, Mapping
from random import Random
from typing import Final

from app.addresses.base32 import STELLAR_ACCOUNT, encode_algorand, encode_stellar
from app.addresses.base58 import encode_base58, encode_base58check
from app.addresses.bech32 import Encoding, encode_bech32, encode_cash_address, to_values
from app.addresses.bitcoin import HASH_BYTES
from app.addresses.cardano import encode_byron, encode_shelley
from app.addresses.cryptonote import AEON_MAINNET_STANDARD, KEYS_BYTES, encode_cryptonote
from app.addresses.evm import encode_evm
from app.addresses.ripple import encode_ripple
from app.addresses.ss58 import encode_ss58
from app.addresses.ton import encode_ton

Sample = Callable[[Random], str]

_KEY_BYTES: Final = 32
_XMR_STANDARD: Final = 18


def _hash(version: str) -> Sample:
    return lambda random: encode_base58check(bytes.fromhex(version), random.randbytes(HASH_BYTES))


def _segwit(prefix: str, version: int) -> Sample:
    encoding, size = (Encoding.BECH32M, _KEY_BYTES) if version else (Encoding.BECH32, HASH_BYTES)
    return lambda random: encode_bech32(
        prefix, bytes([version]) + to_values(random.randbytes(size)), encoding
    )


def _bech32(prefix: str) -> Sample:
    return lambda random: encode_bech32(
        prefix, to_values(random.randbytes(HASH_BYTES)), Encoding.BECH32
    )


def _cryptonote(prefix: int) -> Sample:
    return lambda random: encode_cryptonote(prefix, random.randbytes(KEYS_BYTES))


# By currency, then kind: each currency that has a form of its own, in each form that is common.
SAMPLES: Final[Mapping[tuple[str, str], Sample]] = {
    ("ADA", "base"): lambda r: encode_shelley("addr", b"\x01" + r.randbytes(56)),
    ("ADA", "stake"): lambda r: encode_shelley("stake", b"\xe1" + r.randbytes(28)),
    ("ADA", "byron"): lambda r: encode_byron(r.randbytes(28)),
    ("AEON", "standard"): _cryptonote(AEON_MAINNET_STANDARD),
    ("ALGO", "account"): lambda r: encode_algorand(r.randbytes(_KEY_BYTES)),
    ("ATOM", "account"): _bech32("cosmos"),
    ("BCH", "cash address"): lambda r: encode_cash_address(
        "bitcoincash", b"\0" + r.randbytes(HASH_BYTES)
    ),
    ("BNB", "beacon chain"): _bech32("bnb"),
    ("BTC", "p2pkh"): _hash("00"),
    ("BTC", "p2sh"): _hash("05"),
    ("BTC", "p2wpkh"): _segwit("bc", 0),
    ("BTC", "p2tr"): _segwit("bc", 1),
    ("DASH", "p2pkh"): _hash("4c"),
    ("DOGE", "p2pkh"): _hash("1e"),
    ("DOT", "account"): lambda r: encode_ss58(0, r.randbytes(_KEY_BYTES)),
    ("ETH", "mixed case"): lambda r: encode_evm(r.randbytes(HASH_BYTES)),
    ("ETH", "lower case"): lambda r: f"0x{r.randbytes(HASH_BYTES).hex()}",
    ("LTC", "p2pkh"): _hash("30"),
    ("LTC", "p2wpkh"): _segwit("ltc", 0),
    ("SOL", "account"): lambda r: encode_base58(r.randbytes(_KEY_BYTES)),
    ("TON", "user-friendly"): lambda r: encode_ton(0, r.randbytes(_KEY_BYTES)),
    ("TRX", "account"): _hash("41"),
    ("XLM", "account"): lambda r: encode_stellar(STELLAR_ACCOUNT, r.randbytes(_KEY_BYTES)),
    ("XMR", "standard"): _cryptonote(_XMR_STANDARD),
    ("XRP", "classic"): lambda r: encode_ripple(r.randbytes(HASH_BYTES)),
    ("XTZ", "tz1"): _hash("06a19f"),
    ("ZEC", "transparent"): _hash("1cb8"),
}
