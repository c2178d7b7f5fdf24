"""The one spelling under which an address is filed and looked up.

Several texts may name one account. Only what a specification says to mean the same is brought
together; the asset does not matter, since lists file addresses under the wrong one.
"""

import re
from collections.abc import Callable
from typing import Final

from app.domain.addresses.base32 import (
    STELLAR_ACCOUNT,
    STELLAR_MUXED,
    decode_stellar,
    encode_stellar,
)
from app.domain.addresses.base58 import encode_base58check
from app.domain.addresses.bech32 import decode_bech32, decode_cash_address
from app.domain.addresses.bitcoin import HASH_BYTES
from app.domain.addresses.cardano import decode_shelley
from app.domain.addresses.faults import InvalidAddress
from app.domain.addresses.ripple import encode_ripple, ripple_account
from app.domain.addresses.ton import decode_raw_ton, decode_ton

_HEX: Final = re.compile(r"0[xX][0-9a-fA-F]+")
_CASH_PREFIX: Final = "bitcoincash"
_CASH_VERSIONS: Final = {0: b"\x00", 1: b"\x05", 2: b"\x00", 3: b"\x05"}  # by type, in base58


def one_spelling(address: str) -> str:
    """Return the spelling of an address that all its spellings share.

    Hexadecimal, Bech32 and CashAddr mean the same in either case; a Bitcoin Cash address the same
    as the base58 one of its hash; a TON address the same as the raw one; an X-address and a muxed
    one the same as their account, as far as a list goes. Anything else is taken as it is, without
    the white space around it: what an authority published is looked for as it was written.
    """
    text = address.strip()
    if _HEX.fullmatch(text):
        return text.lower()
    for pattern, rewrite in _REWRITES:
        if pattern.fullmatch(text):
            try:
                return rewrite(text)
            except InvalidAddress:
                continue
    return text.removeprefix(f"{_CASH_PREFIX}:")


def _cash(text: str) -> str:
    prefix, kind, payload = decode_cash_address(text, _CASH_PREFIX)
    if prefix == _CASH_PREFIX and len(payload) == HASH_BYTES and kind in _CASH_VERSIONS:
        return encode_base58check(_CASH_VERSIONS[kind], payload)
    return text.lower()


def _bech32(text: str) -> str:
    decode_bech32(text)
    return text.lower()


def _cardano(text: str) -> str:
    decode_shelley(text)
    return text.lower()


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
    (re.compile(r"((bitcoincash|bchtest|bchreg):)?[qpzr][0-9a-z]{41,}", re.IGNORECASE), _cash),
    (re.compile(r"[A-Z]{1,12}1[0-9A-Z]{38,}"), _bech32),
    (re.compile(r"(ADDR|STAKE)(_TEST)?1[0-9A-Z]{50,}"), _cardano),
    (re.compile(r"[0-9A-Za-z_/+-]{48}"), _ton),
    (re.compile(r"-?[01]:[0-9a-fA-F]{64}"), _raw_ton),
    (re.compile(r"[XT][1-9A-Za-z]{46}"), _ripple),
    (re.compile(r"M[2-7A-Z]{68}"), _stellar),
)
