"""Bitcoin addresses and the network each belongs to (BIP 13, BIP 173, BIP 350)."""

from enum import StrEnum
from functools import lru_cache
from typing import Final

from app.addresses.base58 import decode_base58check
from app.addresses.bech32 import decode_segwit
from app.addresses.faults import InvalidAddress

HASH_BYTES: Final = 20


class BitcoinNetwork(StrEnum):
    """Where an address can be paid; testnet and signet write theirs alike."""

    MAINNET = "mainnet"
    TESTNET = "testnet"
    REGTEST = "regtest"


# Regtest writes base58 addresses like testnet: those count as testnet.
_VERSIONS: Final = {
    b"\x00": BitcoinNetwork.MAINNET,
    b"\x05": BitcoinNetwork.MAINNET,
    b"\x6f": BitcoinNetwork.TESTNET,
    b"\xc4": BitcoinNetwork.TESTNET,
}
_SEGWIT_PREFIXES: Final = {
    "bc": BitcoinNetwork.MAINNET,
    "tb": BitcoinNetwork.TESTNET,
    "bcrt": BitcoinNetwork.REGTEST,
}


# Addresses of orders are read at every look at them.
@lru_cache(maxsize=1024)
def bitcoin_network(address: str) -> BitcoinNetwork:
    """Return the network of a Bitcoin address.

    Raises InvalidAddress, whose message is the reason, for anything that is not one.
    """
    prefix, separator, _ = address.lower().rpartition("1")
    if separator and prefix in _SEGWIT_PREFIXES:
        decode_segwit(address)
        return _SEGWIT_PREFIXES[prefix]
    body = decode_base58check(address)
    network = _VERSIONS.get(body[:-HASH_BYTES])
    if network is None:
        raise InvalidAddress("its prefix is not one of Bitcoin")
    return network


def canonical_bitcoin_address(address: str) -> str:
    """Return the one spelling of an address, to compare it: bech32 may be all capitals (BIP 173).

    The text is not checked; one that is no address comes back as it is, or in small letters.
    """
    prefix, separator, _ = address.lower().rpartition("1")
    return address.lower() if separator and prefix in _SEGWIT_PREFIXES else address
