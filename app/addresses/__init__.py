"""Addresses: whether a text has the form of one, by its checksum and prefix alone."""

from app.addresses.base58 import encode_base58check
from app.addresses.bitcoin import BitcoinNetwork, bitcoin_network, canonical_bitcoin_address
from app.addresses.cryptonote import (
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
from app.addresses.faults import InvalidAddress
from app.addresses.networks import is_of_test_network, one_ticker
from app.addresses.reading import (
    MAX_ADDRESS_LENGTH,
    SUPPORTED,
    AddressForm,
    Reading,
    chains_of,
    check_address,
    currencies_of,
    plain_address,
    read_address,
    refuse_other_text,
    refuse_test_network,
)
from app.addresses.transactions import one_transaction, read_transaction

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
    "Reading",
    "bitcoin_network",
    "canonical_bitcoin_address",
    "chains_of",
    "check_address",
    "currencies_of",
    "decode_cryptonote",
    "encode_base58check",
    "encode_cryptonote",
    "is_of_test_network",
    "one_ticker",
    "one_transaction",
    "plain_address",
    "read_address",
    "read_transaction",
    "refuse_other_text",
    "refuse_test_network",
]
