"""Which forms an address of each coin may have.

Version bytes and prefixes are those of each coin's own chain parameters, test networks included.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from Crypto.Hash import keccak

from app.domain.addresses import cryptonote
from app.domain.addresses.base58 import decode_base58check
from app.domain.addresses.bech32 import (
    Encoding,
    decode_bech32,
    decode_cash_address,
    decode_segwit,
    to_bytes,
)
from app.domain.addresses.bitcoin import HASH_BYTES, bitcoin_network
from app.domain.addresses.faults import InvalidAddress

# A form raises InvalidAddress unless the text has it; what it returns does not matter.
Form = Callable[[str], object]


@dataclass(frozen=True)
class Coin:
    """The forms that are checked, and a pattern for those that exist but are not."""

    forms: tuple[Form, ...]
    unchecked: re.Pattern[str] | None = None


def _hash(*versions: str) -> Form:
    """Base58check of a version (in hex) and a 20-byte hash."""
    known = {bytes.fromhex(version) for version in versions}

    def check(address: str) -> None:
        if decode_base58check(address)[:-HASH_BYTES] not in known:
            raise InvalidAddress("its prefix is not one of this coin")

    return check


def _segwit(*prefixes: str) -> Form:
    def check(address: str) -> None:
        if decode_segwit(address)[0] not in prefixes:
            raise InvalidAddress("its prefix is not one of this coin")

    return check


def _beacon_chain(address: str) -> None:
    """BNB Beacon Chain: Bech32 of a 20-byte hash (BEP 2)."""
    prefix, values, encoding = decode_bech32(address)
    if prefix not in ("bnb", "tbnb") or encoding is not Encoding.BECH32:
        raise InvalidAddress("its prefix is not one of this coin")
    if len(to_bytes(values)) != HASH_BYTES:
        raise InvalidAddress("its hash has not 20 bytes")


# Hash lengths by type: P2PKH, P2SH, and both again for those who take tokens (CHIP-2022-02).
_CASH_TYPES: Final[Mapping[int, tuple[int, ...]]] = {0: (20,), 1: (20, 32), 2: (20,), 3: (20, 32)}


def _cash_address(address: str) -> None:
    prefix, kind, payload = decode_cash_address(address, "bitcoincash")
    if prefix not in ("bitcoincash", "bchtest", "bchreg"):
        raise InvalidAddress("its prefix is not one of this coin")
    if len(payload) not in _CASH_TYPES.get(kind, ()):
        raise InvalidAddress("its type and length are not ones that are in use")


_EVM: Final = re.compile(r"0x([0-9a-f]{40}|[0-9A-F]{40}|(?P<mixed>[0-9a-fA-F]{40}))")


def _evm(address: str) -> None:
    """20 bytes in hex: one case without a checksum, or mixed case with the one of EIP-55."""
    match = _EVM.fullmatch(address)
    if match is None:
        raise InvalidAddress("it is not 0x and 40 hexadecimal digits")
    mixed = match["mixed"]
    if mixed is None:
        return
    digest = keccak.new(digest_bits=256, data=mixed.lower().encode()).hexdigest()
    for character, digit in zip(mixed, digest, strict=False):
        if character.isalpha() and character.isupper() != (digit in "89abcdef"):
            raise InvalidAddress("its EIP-55 checksum is wrong")


def _cryptonote(*, plain: set[int], integrated: set[int]) -> Form:
    sizes = dict.fromkeys(plain, cryptonote.KEYS_BYTES) | dict.fromkeys(
        integrated, cryptonote.KEYS_BYTES + cryptonote.PAYMENT_ID_BYTES
    )

    def check(address: str) -> None:
        prefix, payload = cryptonote.decode_cryptonote(address)
        if sizes.get(prefix) != len(payload):
            raise InvalidAddress("its prefix and length are not ones of this coin")

    return check


_TRON: Final = _hash("41")
_ETHEREUM: Final = Coin((_evm,))
_BITCOIN: Final = Coin((bitcoin_network,))

# Stablecoins live on many chains, and most of those write addresses that are not checked here.
# What looks like an address of a chain that is checked must be one: 0x (but for the 64 digits
# of Aptos and Sui), and the T, 1 or 3 with which base58check addresses begin.
_OTHER_CHAINS: Final = re.compile(
    r"(?!0x(?![0-9a-fA-F]{64}$))(?![T13][1-9A-Za-z]{24,33}$)[0-9A-Za-z._:+/=-]+"
)

COINS: Final[Mapping[str, Coin]] = {
    "AEON": Coin(
        (
            _cryptonote(
                plain={
                    cryptonote.AEON_MAINNET_STANDARD,
                    cryptonote.AEON_MAINNET_SUBADDRESS,
                    cryptonote.AEON_TESTNET_STANDARD,
                    cryptonote.AEON_TESTNET_SUBADDRESS,
                    cryptonote.AEON_STAGENET_STANDARD,
                    cryptonote.AEON_STAGENET_SUBADDRESS,
                },
                integrated={
                    cryptonote.AEON_MAINNET_INTEGRATED,
                    cryptonote.AEON_TESTNET_INTEGRATED,
                    cryptonote.AEON_STAGENET_INTEGRATED,
                },
            ),
        )
    ),
    "ARB": _ETHEREUM,
    "BCH": Coin((_cash_address, _hash("00", "05", "6f", "c4"))),
    "BNB": Coin((_evm, _beacon_chain)),
    "BSC": _ETHEREUM,
    "BTC": _BITCOIN,
    "DASH": Coin((_hash("4c", "10", "8c", "13"),)),
    "DOGE": Coin((_hash("1e", "16", "71", "c4", "6f"),)),
    "ETC": _ETHEREUM,
    "ETH": _ETHEREUM,
    # P2SH moved from 05 to 32 (c4 to 3a on the test network); both are in use. The private
    # addresses of MimbleWimble are longer than Bech32 allows.
    "LTC": Coin(
        (_hash("30", "05", "32", "6f", "c4", "3a"), _segwit("ltc", "tltc", "rltc")),
        unchecked=re.compile(r"(ltc|t)mweb1[0-9a-z]{50,}"),
    ),
    "MATIC": _ETHEREUM,
    "POL": _ETHEREUM,
    "TRX": Coin((_TRON,)),
    "USDC": Coin((_evm, _TRON), unchecked=_OTHER_CHAINS),
    "USDT": Coin((_evm, _TRON, bitcoin_network), unchecked=_OTHER_CHAINS),
    "XBT": _BITCOIN,
    "XMR": Coin((_cryptonote(plain={18, 42, 53, 63, 24, 36}, integrated={19, 54, 25}),)),
    # Transparent addresses; shielded, unified and TEX ones (ZIP 316, ZIP 320) are longer.
    "ZEC": Coin(
        (_hash("1cb8", "1cbd", "1d25", "1cba"),),
        unchecked=re.compile(r"(zc|zt|zs1|ztestsapling1|u1|utest1|tex1|textest1)[0-9A-Za-z]{38,}"),
    ),
}
