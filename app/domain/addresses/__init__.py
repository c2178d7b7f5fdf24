"""Addresses: whether a text has the form of one, by its checksum and prefix alone."""

from enum import StrEnum
from typing import Final

from app.domain.addresses.base58 import encode_base58check
from app.domain.addresses.bitcoin import (
    BitcoinNetwork,
    bitcoin_network,
    canonical_bitcoin_address,
)
from app.domain.addresses.coins import COINS, Form
from app.domain.addresses.cryptonote import (
    AEON_MAINNET_INTEGRATED,
    AEON_MAINNET_STANDARD,
    AEON_MAINNET_SUBADDRESS,
    AEON_STAGENET_INTEGRATED,
    AEON_STAGENET_STANDARD,
    AEON_STAGENET_SUBADDRESS,
    AEON_TESTNET_INTEGRATED,
    AEON_TESTNET_STANDARD,
    AEON_TESTNET_SUBADDRESS,
    decode_cryptonote,
    encode_cryptonote,
)
from app.domain.addresses.faults import InvalidAddress
from app.domain.addresses.networks import is_of_test_network

__all__ = [
    "AEON_MAINNET_INTEGRATED",
    "AEON_MAINNET_STANDARD",
    "AEON_MAINNET_SUBADDRESS",
    "AEON_STAGENET_INTEGRATED",
    "AEON_STAGENET_STANDARD",
    "AEON_STAGENET_SUBADDRESS",
    "AEON_TESTNET_INTEGRATED",
    "AEON_TESTNET_STANDARD",
    "AEON_TESTNET_SUBADDRESS",
    "MAX_ADDRESS_LENGTH",
    "SUPPORTED",
    "AddressForm",
    "BitcoinNetwork",
    "InvalidAddress",
    "bitcoin_network",
    "canonical_bitcoin_address",
    "check_address",
    "currencies_of",
    "decode_cryptonote",
    "encode_base58check",
    "encode_cryptonote",
    "is_of_test_network",
]

# The longest form in use, a Zcash unified address with three receivers, has 213 characters.
MAX_ADDRESS_LENGTH: Final = 256
SUPPORTED: Final[tuple[str, ...]] = tuple(sorted(COINS))


class AddressForm(StrEnum):
    """What the text of an address shows by itself."""

    VALID = "valid"
    INVALID = "invalid"
    NOT_CHECKABLE = "not_checkable"
    NOT_CHECKED = "not_checked"


def check_address(currency: str, address: str) -> AddressForm:
    """Judge the form of an address of a currency (a ticker, in any case).

    VALID for a form whose checksum is right. NOT_CHECKABLE for a form of the currency that has no
    checksum: one that is mistyped looks the same. NOT_CHECKED for a currency that is not
    SUPPORTED, and for the forms of a supported one that are known to exist but not checked.
    INVALID for anything else, and for what cannot be an address of any currency: more than
    MAX_ADDRESS_LENGTH characters, or characters beyond ASCII.
    """
    if len(address) > MAX_ADDRESS_LENGTH or not address.isascii():
        return AddressForm.INVALID
    coin = COINS.get(currency.upper())
    if coin is None:
        return AddressForm.NOT_CHECKED
    if _has_one_of(coin.forms, address):
        return AddressForm.VALID
    if _has_one_of(coin.uncheckable, address):
        return AddressForm.NOT_CHECKABLE
    if coin.unchecked is not None and coin.unchecked.fullmatch(address):
        return AddressForm.NOT_CHECKED
    return AddressForm.INVALID


def currencies_of(address: str) -> tuple[str, ...]:
    """Return the supported currencies of which this is a VALID address, none if it is of none.

    For the person whose address belongs to another currency than was said.
    """
    return tuple(
        currency for currency in SUPPORTED if check_address(currency, address) is AddressForm.VALID
    )


def _has_one_of(forms: tuple[Form, ...], address: str) -> bool:
    for form in forms:
        try:
            form(address)
        except InvalidAddress:
            continue
        return True
    return False
