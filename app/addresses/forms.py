"""The forms in which chains write addresses: how each is read, and how it looks from afar.

How a form looks serves the reason alone that a malformed address is refused with: a text that
begins as an address of Tron does was meant to be one.
"""

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Final

from app.addresses import cardano, cryptonote, zcash
from app.addresses.base32 import decode_algorand, decode_stellar
from app.addresses.base58 import decode_base58, decode_base58check
from app.addresses.bech32 import (
    Encoding,
    decode_bech32,
    decode_cash_address,
    decode_segwit,
    to_bytes,
)
from app.addresses.bitcoin import HASH_BYTES, bitcoin_network
from app.addresses.evm import decode_checksummed_evm, decode_evm, decode_icap, is_padded
from app.addresses.faults import InvalidAddress
from app.addresses.ripple import ripple_account
from app.addresses.ss58 import decode_ss58
from app.addresses.ton import decode_raw_ton, decode_ton
from app.addresses.tron import decode_hex_tron, decode_tron

_BASE58: Final = "1-9A-HJ-NP-Za-km-z"
_BECH32: Final = "02-9ac-hj-np-z"
_KEY_BYTES: Final = 32
_PUBLIC_KEY_BYTES: Final = 33
_MWEB_BYTES: Final = 2 * _PUBLIC_KEY_BYTES


@dataclass(frozen=True)
class Form:
    """One way to write an address.

    `read` raises InvalidAddress unless a text has the form; what it returns does not matter.
    `begins` is how a text begins that is meant to have it, `characters` what it is written in (a
    set of a regular expression; capitals are as good as small letters where `any_case`), and
    `lengths` how many there may be; empty: that is told by reading.
    """

    read: Callable[[str], object]
    begins: re.Pattern[str]
    characters: str
    lengths: Collection[int] = ()
    any_case: bool = False

    def matches(self, address: str) -> bool:
        """Say whether a text has the form."""
        return self.fault(address) is None

    def fault(self, address: str) -> str | None:
        """Return why a text has not the form, None if it has."""
        try:
            self.read(address)
        except InvalidAddress as fault:
            return str(fault)
        return None

    def reason(self, address: str) -> str:
        """Return why a text has not the form although it was meant to, in words for people."""
        flags = re.IGNORECASE if self.any_case else 0
        stray = re.search(f"[^{self.characters}]", address, flags)
        if self.lengths and len(address) not in self.lengths:
            return f"its length is wrong: {_lengths(self.lengths)}, not {len(address)}"
        if stray is not None:
            return (
                f"its character {stray.start() + 1} is not one that such an address is written in"
            )
        if not self.any_case and self.characters == _BASE58 and address.islower():
            return "its checksum is wrong: capital and small letters differ, and it has no capitals"
        return self.fault(address) or "it is not well-formed"


def _lengths(lengths: Collection[int]) -> str:
    few = sorted(lengths)
    if isinstance(lengths, range):
        return f"such an address has {few[0]} to {few[-1]} characters"
    return f"such an address has {' or '.join(map(str, few))} characters"


def base58_hash(begins: str, *versions: str, lengths: Collection[int] = range(26, 36)) -> Form:
    """Base58check of a version (in hex) and a 20-byte hash."""
    known = {bytes.fromhex(version) for version in versions}

    def read(address: str) -> None:
        if decode_base58check(address)[:-HASH_BYTES] not in known:
            raise InvalidAddress("its prefix is not one of this coin")

    return Form(read, re.compile(begins), _BASE58, lengths)


def segwit(*prefixes: str) -> Form:
    """Bech32 or Bech32m of a witness program (BIP 350)."""

    def read(address: str) -> None:
        if decode_segwit(address)[0] not in prefixes:
            raise InvalidAddress("its prefix is not one of this coin")

    return _bech32_form(read, prefixes, {len(prefixes[0]) + 40, len(prefixes[0]) + 60})


def bech32(prefixes: tuple[str, ...], sizes: tuple[int, ...]) -> Form:
    """Bech32 of so many bytes, as the chains of Cosmos write them."""

    def read(address: str) -> None:
        prefix, values, encoding = decode_bech32(address)
        if prefix not in prefixes or encoding is not Encoding.BECH32:
            raise InvalidAddress("its prefix is not one of this coin")
        if len(to_bytes(values)) not in sizes:
            raise InvalidAddress("its length is not the one of an account")

    return _bech32_form(read, prefixes)


def _bech32_form(
    read: Callable[[str], object], prefixes: tuple[str, ...], lengths: Collection[int] = ()
) -> Form:
    begins = re.compile(f"(?:{'|'.join(prefixes)})1", re.IGNORECASE)
    return Form(read, begins, f"{_BECH32}{''.join({*'1', *''.join(prefixes)})}", lengths, True)


def cryptonote_form(begins: str, *, plain: set[int], integrated: set[int]) -> Form:
    """An address of AEON or Monero, alone or with a payment id in it."""
    sizes = dict.fromkeys(plain, cryptonote.KEYS_BYTES) | dict.fromkeys(
        integrated, cryptonote.KEYS_BYTES + cryptonote.PAYMENT_ID_BYTES
    )

    def read(address: str) -> None:
        prefix, payload = cryptonote.decode_cryptonote(address)
        if sizes.get(prefix) != len(payload):
            raise InvalidAddress("its prefix and length are not ones of this coin")

    return Form(read, re.compile(begins), _BASE58, (95, 97, 106, 108))


def pattern(text: str) -> Form:
    """A form that is known by its look alone."""
    whole = re.compile(text)

    def read(address: str) -> None:
        if not whole.fullmatch(address):
            raise InvalidAddress("it has not the form of one")

    return Form(read, re.compile(r"(?!)"), "!-~")


# Hash lengths by type: P2PKH, P2SH, and both again for those who take tokens (CHIP-2022-02).
_CASH_TYPES: Final[Mapping[int, tuple[int, ...]]] = {0: (20,), 1: (20, 32), 2: (20,), 3: (20, 32)}


def _cash_address(address: str) -> None:
    prefix, kind, payload = decode_cash_address(address, "bitcoincash")
    if prefix not in ("bitcoincash", "bchtest", "bchreg"):
        raise InvalidAddress("its prefix is not one of this coin")
    if len(payload) not in _CASH_TYPES.get(kind, ()):
        raise InvalidAddress("its type and length are not ones that are in use")


def _one_case_evm(address: str) -> None:
    """20 bytes in hex of one case, as programs write them: there is no checksum."""
    decode_evm(address)
    if not is_one_case(address):
        raise InvalidAddress("its letters are of mixed case")


def is_one_case(address: str) -> bool:
    """Say whether the hexadecimal digits at the end of a text have no checksum in their case."""
    digits = address[-40:]
    return digits in (digits.lower(), digits.upper())


def _public_key(address: str) -> None:
    """Base58 of a key of 32 bytes, without a checksum."""
    if len(decode_base58(address)) != _KEY_BYTES:
        raise InvalidAddress("its length is wrong: it does not stand for 32 bytes")


def _no_padded_evm(address: str) -> None:
    if not re.fullmatch(r"0x[0-9a-fA-F]{60,64}", address):
        raise InvalidAddress("it is not 0x and 64 hexadecimal digits, or those without leading 0")
    if is_padded(address):
        raise InvalidAddress("it is an Ethereum address filled up to 32 bytes")


def _mweb(address: str) -> None:
    """Two public keys after a version, in Bech32 of any length."""
    prefix, values, _ = decode_bech32(address, max_length=256)
    if prefix not in ("ltcmweb", "tmweb") or len(to_bytes(values[1:])) != _MWEB_BYTES:
        raise InvalidAddress("its prefix and length are not ones of this coin")


def _liquid_confidential(address: str) -> None:
    body = decode_base58check(address)
    if body[: -_PUBLIC_KEY_BYTES - HASH_BYTES] not in (b"\x0c\x39", b"\x0c\x27"):
        raise InvalidAddress("its prefix and length are not ones of Liquid")


BITCOIN_BASE58: Final = Form(bitcoin_network, re.compile("[132mn]"), _BASE58, range(26, 36))
BITCOIN_SEGWIT: Final = segwit("bc", "tb", "bcrt")
EVM: Final = Form(
    decode_checksummed_evm, re.compile("0[xX]|xdc|[0-9a-fA-F]{34,46}$"), "0-9a-fA-FxX", (42, 40, 43)
)
ICAP: Final = Form(decode_icap, re.compile("XE[0-9]{2}"), "0-9A-Z", (34, 35))
EVM_ONE_CASE: Final = Form(_one_case_evm, re.compile("(?!)"), "0-9a-fA-FxX")
TRON: Final = Form(decode_tron, re.compile("[Tt]"), _BASE58, (34,))
TRON_HEX: Final = Form(
    decode_hex_tron, re.compile("(?:0x)?41[0-9a-fA-F]{38,}$"), "0-9a-fA-Fx", (42, 44)
)
TON: Final = Form(decode_ton, re.compile("[EUk0][Qf]"), "0-9A-Za-z+/_-", (48,))
TON_RAW: Final = Form(decode_raw_ton, re.compile("-?[01]:"), "0-9a-fA-F:-", (66, 67))
SOLANA: Final = Form(_public_key, re.compile(f"[{_BASE58}]{{30,}}"), _BASE58, range(32, 45))
STELLAR: Final = Form(decode_stellar, re.compile("[GgMmCc]"), "A-Z2-7", (56, 69))
ALGORAND: Final = Form(decode_algorand, re.compile("[A-Za-z2-7]{50,}"), "A-Z2-7", (58,))
SS58: Final = Form(decode_ss58, re.compile(f"[{_BASE58}]{{40,}}"), _BASE58, range(46, 51))
HEX_KEY: Final = pattern("(?:0x)?[0-9a-fA-F]{64}")
RIPPLE: Final = Form(ripple_account, re.compile("[rXT]"), _BASE58, (*range(25, 36), 47))
CASH_ADDRESS: Final = Form(
    _cash_address,
    re.compile("(?:bitcoincash:|bchtest:|bchreg:)?[qpzr]", re.IGNORECASE),
    f"{_BECH32}:bio",
    any_case=True,
)
SHELLEY: Final = Form(
    cardano.decode_shelley,
    re.compile("(?:addr|stake)(?:_test)?1", re.IGNORECASE),
    f"{_BECH32}_1",
    any_case=True,
)
SHELLEY_HEX: Final = Form(
    cardano.decode_hex_shelley, re.compile("[0-9a-fA-F]{50,}$"), "0-9a-fA-F", (58, 114)
)
BYRON: Final = Form(cardano.decode_byron, re.compile("Ae2|DdzFF|37btjr|2cWKMJ"), _BASE58)
MWEB: Final = Form(
    _mweb, re.compile("(?:ltc|t)mweb1", re.IGNORECASE), f"{_BECH32}1bw", any_case=True
)
ZCASH_TEX: Final = Form(
    zcash.decode_tex, re.compile("tex(?:test)?1", re.IGNORECASE), f"{_BECH32}1", (42, 46), True
)
ZCASH_SHIELDED: Final = Form(
    zcash.decode_shielded,
    re.compile("zs1|u1|utest1|ztestsapling1|z[ct]", re.IGNORECASE),
    f"{_BASE58}0l",
)
NEAR: Final = pattern(r"(?:[a-z0-9]+[_.-])*[a-z0-9]+\.(?:near|tg)")
NEAR_IMPLICIT: Final = pattern("[0-9a-f]{64}")
HEDERA: Final = pattern(r"0\.0\.[1-9][0-9]{0,18}(?:-[a-z]{5})?")
# Of Aptos, Sui and Starknet, whose explorers leave the first zeros out.
HEX_32: Final = Form(_no_padded_evm, re.compile("0x[0-9a-fA-F]{60,}"), "0-9a-fA-Fx", range(62, 67))
LIQUID: Final = base58_hash("[QPGH]", "39", "27")
LIQUID_CONFIDENTIAL: Final = Form(_liquid_confidential, re.compile("V[JT]"), _BASE58, (80,))
LIQUID_SEGWIT: Final = segwit("ex")
LIQUID_BLECH32: Final = pattern(f"lq1[{_BECH32}]{{90,130}}")
