"""Which forms an address of each coin may have, and how those read that carry a checksum.

Version bytes and prefixes are those of each coin's own chain parameters, test networks included.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from Crypto.Hash import keccak

from app.domain.addresses import cryptonote
from app.domain.addresses.base32 import decode_algorand, decode_stellar
from app.domain.addresses.base58 import decode_base58, decode_base58check
from app.domain.addresses.bech32 import (
    Encoding,
    decode_bech32,
    decode_cash_address,
    decode_segwit,
    to_bytes,
)
from app.domain.addresses.bitcoin import HASH_BYTES, bitcoin_network
from app.domain.addresses.cardano import decode_byron, decode_shelley
from app.domain.addresses.faults import InvalidAddress
from app.domain.addresses.ripple import ripple_account
from app.domain.addresses.ss58 import decode_ss58
from app.domain.addresses.ton import decode_raw_ton, decode_ton

_KEY_BYTES: Final = 32
_HEX_KEY: Final = re.compile(r"0x[0-9a-fA-F]{64}")
# Polkadot, and the one for all networks, which its test network has as well.
_POLKADOT_PREFIXES: Final = (0, 42)

# A form raises InvalidAddress unless the text has it; what it returns does not matter.
Form = Callable[[str], object]


@dataclass(frozen=True)
class Coin:
    """The forms that have a checksum, those without one, and a pattern for others that exist."""

    forms: tuple[Form, ...]
    uncheckable: tuple[Form, ...] = ()
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


def _bech32(prefixes: tuple[str, ...], sizes: tuple[int, ...]) -> Form:
    """Bech32 of so many bytes, as the chains of Cosmos write them."""

    def check(address: str) -> None:
        prefix, values, encoding = decode_bech32(address)
        if prefix not in prefixes or encoding is not Encoding.BECH32:
            raise InvalidAddress("its prefix is not one of this coin")
        if len(to_bytes(values)) not in sizes:
            raise InvalidAddress("no account of this coin has its length")

    return check


# Hash lengths by type: P2PKH, P2SH, and both again for those who take tokens (CHIP-2022-02).
_CASH_TYPES: Final[Mapping[int, tuple[int, ...]]] = {0: (20,), 1: (20, 32), 2: (20,), 3: (20, 32)}


def _cash_address(address: str) -> None:
    prefix, kind, payload = decode_cash_address(address, "bitcoincash")
    if prefix not in ("bitcoincash", "bchtest", "bchreg"):
        raise InvalidAddress("its prefix is not one of this coin")
    if len(payload) not in _CASH_TYPES.get(kind, ()):
        raise InvalidAddress("its type and length are not ones that are in use")


_EVM: Final = re.compile(r"0x[0-9a-fA-F]{40}")


def _evm(address: str) -> None:
    """20 bytes in hex of mixed case, which is the checksum (EIP-55)."""
    if _is_one_case(address):
        raise InvalidAddress("it has no checksum")
    digits = address[2:]
    digest = keccak.new(digest_bits=256, data=digits.lower().encode()).hexdigest()
    for character, digit in zip(digits, digest, strict=False):
        if character.isalpha() and character.isupper() != (digit in "89abcdef"):
            raise InvalidAddress("its EIP-55 checksum is wrong")


def _one_case_evm(address: str) -> None:
    """20 bytes in hex of one case, as programs write them: there is no checksum."""
    if not _is_one_case(address):
        raise InvalidAddress("its letters are of mixed case")


def _is_one_case(address: str) -> bool:
    if not _EVM.fullmatch(address):
        raise InvalidAddress("it is not 0x and 40 hexadecimal digits")
    return address[2:] in (address[2:].lower(), address[2:].upper())


def _public_key(address: str) -> None:
    """Base58 of a key of 32 bytes, without a checksum."""
    if len(decode_base58(address)) != _KEY_BYTES:
        raise InvalidAddress("it does not stand for 32 bytes")


def _polkadot(address: str) -> None:
    if decode_ss58(address)[0] not in _POLKADOT_PREFIXES:
        raise InvalidAddress("its network is not one of this coin")


def _hex_key(address: str) -> None:
    """A key of 32 bytes in hex, without a checksum."""
    if not _HEX_KEY.fullmatch(address):
        raise InvalidAddress("it is not 0x and 64 hexadecimal digits")


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
_ETHEREUM: Final = Coin((_evm,), (_one_case_evm,))
_BITCOIN: Final = Coin((bitcoin_network,))

# Stablecoins live on many chains, and some of those write addresses that are not checked here.
# What looks like an address of a chain that is checked must be one: 0x (but for the 64 digits
# of Aptos and Sui), and the T, 1 or 3 with which base58check addresses begin.
_OTHER_CHAINS: Final = re.compile(
    r"(?!0x(?![0-9a-fA-F]{64}$))(?![T13][1-9A-Za-z]{24,33}$)[0-9A-Za-z._:+/=-]+"
)

COINS: Final[Mapping[str, Coin]] = {
    "AAVE": _ETHEREUM,
    "ADA": Coin((decode_shelley, decode_byron)),
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
    "ALGO": Coin((decode_algorand,)),
    "ARB": _ETHEREUM,
    "ATOM": Coin((_bech32(("cosmos",), (HASH_BYTES, _KEY_BYTES)),)),
    "BCH": Coin((_cash_address, _hash("00", "05", "6f", "c4"))),
    "BNB": Coin((_evm, _bech32(("bnb", "tbnb"), (HASH_BYTES,))), (_one_case_evm,)),
    "BSC": _ETHEREUM,
    "BTC": _BITCOIN,
    "DAI": _ETHEREUM,
    "DASH": Coin((_hash("4c", "10", "8c", "13"),)),
    "DOGE": Coin((_hash("1e", "16", "71", "c4", "6f"),)),
    "DOT": Coin((_polkadot,), (_hex_key,)),
    "ETC": _ETHEREUM,
    "ETH": _ETHEREUM,
    "LINK": _ETHEREUM,
    # P2SH moved from 05 to 32 (c4 to 3a on the test network); both are in use. The private
    # addresses of MimbleWimble are longer than Bech32 allows.
    "LTC": Coin(
        (_hash("30", "05", "32", "6f", "c4", "3a"), _segwit("ltc", "tltc", "rltc")),
        unchecked=re.compile(r"(ltc|t)mweb1[0-9a-z]{50,}"),
    ),
    "MATIC": _ETHEREUM,
    "POL": _ETHEREUM,
    "SHIB": _ETHEREUM,
    "SOL": Coin((), (_public_key,)),
    "TON": Coin((decode_ton,), (decode_raw_ton,)),
    "TRX": Coin((_TRON,)),
    "UNI": _ETHEREUM,
    "USDC": Coin(
        (_evm, _TRON, decode_stellar, decode_algorand),
        (_one_case_evm, _public_key),
        unchecked=_OTHER_CHAINS,
    ),
    "USDT": Coin(
        (_evm, _TRON, bitcoin_network, decode_ton),
        (_one_case_evm, _public_key, decode_raw_ton),
        unchecked=_OTHER_CHAINS,
    ),
    "WBTC": _ETHEREUM,
    "WETH": _ETHEREUM,
    "XBT": _BITCOIN,
    "XLM": Coin((decode_stellar,)),
    "XMR": Coin((_cryptonote(plain={18, 42, 53, 63, 24, 36}, integrated={19, 54, 25}),)),
    "XRP": Coin((ripple_account,)),
    # tz1 to tz4, contracts (KT1) and smart rollups (sr1).
    "XTZ": Coin((_hash("06a19f", "06a1a1", "06a1a4", "06a1a6", "025a79", "067c75"),)),
    # Transparent addresses; shielded, unified and TEX ones (ZIP 316, ZIP 320) are longer.
    "ZEC": Coin(
        (_hash("1cb8", "1cbd", "1d25", "1cba"),),
        unchecked=re.compile(r"(zc|zt|zs1|ztestsapling1|u1|utest1|tex1|textest1)[0-9A-Za-z]{38,}"),
    ),
}
