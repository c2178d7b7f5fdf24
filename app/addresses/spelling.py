"""The one spelling under which an address is filed and looked up.

Several texts may name one account. Only what a specification says to mean the same is brought
together; the asset does not matter, since lists file addresses under the wrong one.
"""

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Final

from app.addresses import cryptonote
from app.addresses.base32 import STELLAR_ACCOUNT, STELLAR_MUXED, decode_stellar, encode_stellar
from app.addresses.base58 import decode_base58check, encode_base58check
from app.addresses.bech32 import decode_bech32, decode_cash_address, encode_bech32, to_bytes
from app.addresses.bitcoin import HASH_BYTES
from app.addresses.cardano import decode_hex_shelley, decode_shelley, shelley_account
from app.addresses.evm import decode_icap
from app.addresses.faults import InvalidAddress
from app.addresses.prefixes import read_prefix
from app.addresses.ripple import encode_ripple, ripple_account
from app.addresses.ss58 import decode_ss58
from app.addresses.ton import decode_raw_ton, decode_ton
from app.addresses.tron import decode_hex_tron, encode_tron
from app.addresses.zcash import has_other_receiver, tex_as_transparent, unified_as_receiver

# Raise it with every change of what `canonicalize` returns: rows with another number are spelt anew.
SPELLING_RULES: Final = 1

_CASH_PREFIX: Final = "bitcoincash"
_CASH_VERSIONS: Final = {0: b"\x00", 1: b"\x05", 2: b"\x00", 3: b"\x05"}  # by type, in base58
# Litecoin moved P2SH to versions of its own; the first ones are those of Bitcoin.
_SCRIPT_VERSIONS: Final = {b"\x32": b"\x05", b"\x3a": b"\xc4"}
_LIQUID_BLINDED: Final = b"\x0c"
# Integrated addresses of Monero and AEON, and the standard ones of the same keys.
_STANDARD: Final = {
    19: 18,
    54: 53,
    25: 24,
    cryptonote.AEON_MAINNET_INTEGRATED: cryptonote.AEON_MAINNET_STANDARD,
    cryptonote.AEON_TESTNET_INTEGRATED: cryptonote.AEON_TESTNET_STANDARD,
    cryptonote.AEON_STAGENET_INTEGRATED: cryptonote.AEON_STAGENET_STANDARD,
}
_UNIFIED: Final = re.compile(r"u(?:test)?1[02-9ac-hj-np-z]{80,}", re.IGNORECASE)
_BLECH32: Final = re.compile(r"lq1[02-9ac-hj-np-z]{90,}", re.IGNORECASE)
_INTEGRATED_BYTES: Final = cryptonote.KEYS_BYTES + cryptonote.PAYMENT_ID_BYTES


@lru_cache(maxsize=4096)
def canonicalize(address: str) -> str:
    """Return the spelling of an address that all its spellings share.

    Prefixes that name the chain are taken off. Hexadecimal, Bech32 and CashAddr mean the same in
    either case; a Bitcoin Cash address the same as the base58 one of its hash, Litecoin's M the
    same as 3, a TEX address the same as the transparent one, hexadecimal of Tron the same as its
    base58, a TON address the same as the raw one; an SS58 address the same as its public key; an
    X-address, a muxed and an integrated one the same as their account, as far as a list goes.
    Anything else is taken as it is, without the white space around it: what an authority published
    is looked for as it was written.
    """
    text = _without_prefix(address)
    for pattern, rewrite in _REWRITES:
        if pattern.fullmatch(text):
            try:
                return rewrite(text)
            except InvalidAddress:
                continue
    return text.removeprefix(f"{_CASH_PREFIX}:")


def left_out_of(address: str) -> list[str]:
    """Say in words which accounts an address stands for besides that of its one spelling."""
    text = _without_prefix(address)
    if _BLECH32.fullmatch(text):
        return ["the plain address behind a blinded one of Liquid (Blech32)"]
    if _UNIFIED.fullmatch(text):
        try:
            return ["the Sapling receiver of the unified address"] * has_other_receiver(text)
        except InvalidAddress:  # it stands for no account
            return []
    return []


def _without_prefix(address: str) -> str:
    text = address.strip()
    prefixed = read_prefix(text)
    return text if prefixed.fault is not None else prefixed.address


def _hex(text: str) -> str:
    return text.lower()


def _digits(text: str) -> str:
    return f"0x{text.lower().removeprefix('xdc')}"


def _hex_tron(text: str) -> str:
    return encode_tron(decode_hex_tron(text))


def _cash(text: str) -> str:
    prefix, kind, payload = decode_cash_address(text, _CASH_PREFIX)
    if prefix == _CASH_PREFIX and len(payload) == HASH_BYTES and kind in _CASH_VERSIONS:
        return encode_base58check(_CASH_VERSIONS[kind], payload)
    return text.lower()


def _icap(text: str) -> str:
    return f"0x{decode_icap(text).hex()}"


def _short_key(text: str) -> str:
    return f"0x{text[2:].lower().zfill(64)}"


def _confidential(text: str) -> str:
    """Return what is left of a confidential address of Liquid without its blinding key."""
    body = decode_base58check(text)
    if body[:1] != _LIQUID_BLINDED:
        raise InvalidAddress("it is not a confidential address")
    return encode_base58check(body[1:2], body[-HASH_BYTES:])


def _hedera(text: str) -> str:
    return text.partition("-")[0]


def _bech32(text: str) -> str:
    decode_bech32(text)
    return text.lower()


def _cosmos(text: str) -> str:
    prefix, values, encoding = decode_bech32(text)
    account = to_bytes(values)
    if len(account) != HASH_BYTES:  # a contract, which is another one on each chain
        return text.lower()
    if prefix.startswith("inj"):
        return f"0x{account.hex()}"
    return encode_bech32("cosmos", values, encoding)


def _cardano(text: str) -> str:
    return shelley_account(decode_shelley(text))


def _hex_cardano(text: str) -> str:
    return shelley_account(decode_hex_shelley(text))


def _script_hash(text: str) -> str:
    body = decode_base58check(text)
    version = _SCRIPT_VERSIONS.get(body[:-HASH_BYTES])
    return text if version is None else encode_base58check(version, body[-HASH_BYTES:])


def _integrated(text: str) -> str:
    prefix, payload = cryptonote.decode_cryptonote(text)
    if prefix not in _STANDARD or len(payload) != _INTEGRATED_BYTES:
        raise InvalidAddress("it is not an integrated address")
    return cryptonote.encode_cryptonote(_STANDARD[prefix], payload[: cryptonote.KEYS_BYTES])


def _ss58(text: str) -> str:
    return f"0x{decode_ss58(text)[1].hex()}"


def _ton(text: str) -> str:
    workchain, account_id = decode_ton(text)
    return f"{workchain}:{account_id.hex()}"


def _raw_ton(text: str) -> str:
    workchain, account_id = decode_raw_ton(text)
    return f"{workchain}:{account_id.hex()}"


def _ripple(text: str) -> str:
    return encode_ripple(ripple_account(text))


def _stellar(text: str) -> str:
    version, payload = decode_stellar(text)
    if version != STELLAR_MUXED:
        raise InvalidAddress("it is not a muxed account")
    return encode_stellar(STELLAR_ACCOUNT, payload[:32])


# Cheap to ask, so that the texts that look like none of these, which are most, cost little.
_REWRITES: Final[tuple[tuple[re.Pattern[str], Callable[[str], str]], ...]] = (
    (re.compile(r"(?:0[xX])?41[0-9a-fA-F]{40}"), _hex_tron),
    (re.compile(r"0x[0-9a-fA-F]{60,63}"), _short_key),
    (re.compile(r"0[xX][0-9a-fA-F]+"), _hex),
    (re.compile(r"(?:xdc)?[0-9a-fA-F]{40}|[0-9a-fA-F]{64}"), _digits),
    (re.compile(r"((bitcoincash|bchtest|bchreg):)?[qpzr][0-9a-z]{41,}", re.IGNORECASE), _cash),
    (
        re.compile(
            r"(?:cosmos|noble|osmo|dydx|inj|sei|neutron|kava|axelar|secret)(?:valoper)?1[0-9a-z]{38,}",
            re.IGNORECASE,
        ),
        _cosmos,
    ),
    (re.compile(r"XE[0-9]{2}[0-9A-Z]{30,31}"), _icap),
    (_UNIFIED, unified_as_receiver),
    (re.compile(r"V[JT][1-9A-Za-z]{78}"), _confidential),
    (re.compile(r"0\.0\.[0-9]+-[a-z]{5}"), _hedera),
    (re.compile(r"tex(?:test)?1[0-9a-z]{38}", re.IGNORECASE), tex_as_transparent),
    (re.compile(r"[A-Z]{1,12}1[0-9A-Z]{38,}"), _bech32),
    (re.compile(r"(addr|stake)(_test)?1[0-9a-z]{50,}", re.IGNORECASE), _cardano),
    (re.compile(r"[0-9a-fA-F]{58}|[0-9a-fA-F]{114}"), _hex_cardano),
    (re.compile(r"[MQ][1-9A-Za-z]{31,34}"), _script_hash),
    (re.compile(r"[45AWUS][1-9A-Za-z]{105,107}"), _integrated),
    (re.compile(r"[0-9A-Za-z_/+-]{48}"), _ton),
    (re.compile(r"-?[01]:[0-9a-fA-F]{64}"), _raw_ton),
    (re.compile(r"[XT][1-9A-Za-z]{46}"), _ripple),
    (re.compile(r"M[2-7A-Z]{68}"), _stellar),
    (re.compile(r"[1-9A-HJ-NP-Za-km-z]{45,50}"), _ss58),
)
