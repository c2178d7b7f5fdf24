"""On which chains each asset lives."""

from collections.abc import Mapping
from typing import Final

from app.addresses.chains import EVM_CHAINS

# Where ether itself pays the fees.
_ETHER: Final = (
    *("ethereum", "arbitrum", "arbitrum-nova", "aurora", "base", "blast", "boba", "ink", "linea"),
    *("manta", "mode", "optimism", "scroll", "unichain", "world-chain", "zksync", "zora"),
)
# A token may be bridged to any chain of contracts, but nobody has issued one of these on the old
# Ethereum.
_TOKEN: Final = tuple(
    sorted({names[0] for names in EVM_CHAINS.values()} - {"ethereum-classic"}),
)


COINS: Final[Mapping[str, tuple[str, ...]]] = {
    "AAVE": _TOKEN,
    "ADA": ("cardano",),
    "AEON": ("aeon",),
    "ALGO": ("algorand",),
    "ARB": ("arbitrum", "arbitrum-nova", "ethereum"),
    "ATOM": ("cosmos",),
    "BCH": ("bitcoin-cash",),
    "BNB": ("bnb", "opbnb", "ethereum", "beacon"),
    "BSC": ("bnb",),
    "BTC": ("bitcoin",),
    "DAI": _TOKEN,
    "DASH": ("dash",),
    "DOGE": ("dogecoin",),
    "DOT": ("polkadot",),
    "ETC": ("ethereum-classic",),
    "ETH": _ETHER,
    "LINK": _TOKEN,
    "LTC": ("litecoin",),
    "MATIC": ("polygon", "polygon-zkevm", "ethereum"),
    "POL": ("polygon", "polygon-zkevm", "ethereum"),
    "SHIB": _TOKEN,
    "SOL": ("solana",),
    "TON": ("ton",),
    "TRX": ("tron",),
    "UNI": _TOKEN,
    "USDC": (
        *_TOKEN,
        *("algorand", "aptos", "hedera", "near", "noble", "asset-hub", "ripple", "solana"),
        *("starknet", "stellar", "sui", "tron"),
    ),
    "USDT": (
        *_TOKEN,
        *("algorand", "aptos", "bitcoin", "liquid", "near", "noble", "asset-hub", "solana"),
        *("tezos", "ton", "tron"),
    ),
    "WBTC": _TOKEN,
    "WETH": _TOKEN,
    "XBT": ("bitcoin",),
    "XLM": ("stellar",),
    "XMR": ("monero",),
    "XRP": ("ripple",),
    "XTZ": ("tezos",),
    "ZEC": ("zcash",),
}
