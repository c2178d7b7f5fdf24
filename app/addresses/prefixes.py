"""What may stand before an address, to say of which chain it is.

Short names of EIP-3770 (`eth:0x…`), accounts of CAIP-10 (`eip155:1:0x…`), and the URIs by which
wallets are asked to pay (BIP 21, ERC-681 and their like).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from app.addresses.chains import EVM_CHAINS

_SCHEME: Final = re.compile(r"([A-Za-z][A-Za-z0-9+_-]*):(.*)", re.DOTALL)
# ERC-681: `pay-` before, the number of the chain and what is called behind.
_ETHEREUM_URI: Final = re.compile(r"(?:pay-)?([^@/?]*)(?:@(\d+))?(/[^?]*)?")

_CAIP: Final[Mapping[str, str]] = {
    **{f"eip155:{number}": names[0] for number, names in EVM_CHAINS.items()},
    "algorand:wGHE2Pwdvd7S12BL5FaOP20EGYesN73k": "algorand",
    "aptos:1": "aptos",
    "bip122:000000000019d6689c085ae165831e93": "bitcoin",
    "bip122:000000000000000000651ef99cb9fcbe": "bitcoin-cash",
    "bip122:00000ffd590b1485b3caadc19b22e637": "dash",
    "bip122:1a91e3dace36e2be3bf030a65679fe82": "dogecoin",
    "bip122:12a765e31ffd4059bada1e25190f6e98": "litecoin",
    "bip122:00040fe8ec8471911baa1db1266ea15d": "zcash",
    "cip34:1-764824073": "cardano",
    "cosmos:Binance-Chain-Tigris": "beacon",
    "cosmos:cosmoshub-4": "cosmos",
    "cosmos:noble-1": "noble",
    "hedera:mainnet": "hedera",
    "near:mainnet": "near",
    "polkadot:91b171bb158e2d3848fa23a9f1c25182": "polkadot",
    "polkadot:68d56f15f85d3136970ec16946040bc1": "asset-hub",
    "solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp": "solana",
    "starknet:SN_MAIN": "starknet",
    "stellar:pubnet": "stellar",
    "sui:mainnet": "sui",
    "tezos:NetXdQprcVkpaWU": "tezos",
    "tron:0x2b6653dc": "tron",
    "tvm:-239": "ton",
    "xrpl:0": "ripple",
}
_CAIP_TESTS: Final = frozenset(
    {
        *(f"eip155:{number}" for number in (3, 4, 5, 42, 51, 63, 97, 338, 1301, 4002, 10200)),
        *(
            f"eip155:{number}"
            for number in (17000, 43113, 44787, 59141, 80001, 80002, 84531, 84532)
        ),
        *(f"eip155:{number}" for number in (300, 421611, 421613, 421614, 420, 534351, 560048)),
        *(f"eip155:{number}" for number in (5003, 11155111, 11155420, 11142220, 168587773)),
        "algorand:SGO1GKSzyE7IEPItTxCByw9x8FmnrCDe",
        "aptos:2",
        "bip122:000000000933ea01ad0ee984209779ba",
        "bip122:00000008819873e925422c1ff0f99f7c",
        "bip122:0f9188f13cb7b2c71f2a335e3a4fc328",
        "cip34:0-1",
        "cip34:0-2",
        "hedera:testnet",
        "hedera:previewnet",
        "near:testnet",
        "solana:EtWTRABZaYq6iMfeYKouRu166VU2xqa1",
        "solana:4uhcVJyU9pJkvQyS88uRDiswHXSCkY3z",
        "starknet:SN_SEPOLIA",
        "stellar:testnet",
        "sui:testnet",
        "tron:0x94a9059e",
        "tron:0xcd8690dc",
        "tvm:-3",
        "xrpl:1",
        "xrpl:2",
    }
)
_NAMESPACES: Final = frozenset(key.partition(":")[0] for key in _CAIP)
_SHORT: Final[Mapping[str, str]] = {
    short: names[0] for names in EVM_CHAINS.values() for short in names[1:]
}
_SHORT_TESTS: Final = frozenset(
    {
        *("sep", "gor", "rop", "rin", "kov", "holesky", "hoodi", "bnbt", "maticmum", "polygonamoy"),
        *("fuji", "basesep", "basegor", "opsep", "ogor", "arb-sep", "arb-goerli", "txdc", "tfxtm"),
        *("chi", "linea-sepolia", "scr-sepolia", "zksync-sepolia", "celo-sep"),
    }
)
_SCHEMES: Final[Mapping[str, str]] = {
    "aeon": "aeon",
    "algorand": "algorand",
    "bitcoin": "bitcoin",
    "bitcoincash": "bitcoin-cash",
    "cardano": "cardano",
    "cosmos": "cosmos",
    "dash": "dash",
    "dogecoin": "dogecoin",
    "ethereum": "ethereum",
    "litecoin": "litecoin",
    "monero": "monero",
    "polkadot": "polkadot",
    "ripple": "ripple",
    "solana": "solana",
    "stellar": "stellar",
    "tezos": "tezos",
    "ton": "ton",
    "tron": "tron",
    "web+cardano": "cardano",
    "xrp": "ripple",
    "xrpl": "ripple",
    "zcash": "zcash",
}
# These belong to the address itself, and are read with it.
_OWN: Final = ("bitcoincash", "bchtest", "bchreg")
_TEST_NETWORK: Final = "its prefix names a test network"
_UNKNOWN: Final = "its prefix names no network that is known"
_A_CALL: Final = "it is a request to call a contract, not an address"


@dataclass(frozen=True)
class Prefixed:
    """An address without what stood before it, and the chain that this named (None: none).

    `fault` is why it is none of a chain that is assessed.
    """

    address: str
    chain: str | None = None
    fault: str | None = None


def read_prefix(text: str) -> Prefixed:
    """Take off what stands before an address."""
    match = _SCHEME.fullmatch(text)
    if match is None:
        return Prefixed(text)
    scheme, rest = match[1].lower(), match[2]
    if scheme in _OWN:
        return Prefixed(_without_query(text), "bitcoin-cash")
    if scheme in _NAMESPACES and ":" in rest:
        return _of_account(scheme, *rest.split(":", 1))
    if scheme == "ethereum":
        return _of_ethereum_uri(rest)
    if scheme in _SCHEMES:
        address = _without_query(rest.removeprefix("//").removeprefix("transfer/"))
        return Prefixed(address, _SCHEMES[scheme])
    if scheme in _SHORT:
        return Prefixed(rest, _SHORT[scheme])
    return Prefixed(rest, fault=_TEST_NETWORK if scheme in _SHORT_TESTS else _UNKNOWN)


def _of_account(namespace: str, reference: str, address: str) -> Prefixed:
    key = f"{namespace}:{reference}"
    chain = _CAIP.get(key)
    if chain is not None:
        return Prefixed(address, chain)
    return Prefixed(address, fault=_TEST_NETWORK if key in _CAIP_TESTS else _UNKNOWN)


def _of_ethereum_uri(rest: str) -> Prefixed:
    match = _ETHEREUM_URI.match(rest)
    if match is None or match[3]:
        return Prefixed(rest, fault=_A_CALL)
    return _of_account("eip155", match[2] or "1", match[1])


def _without_query(text: str) -> str:
    return text.partition("?")[0]
