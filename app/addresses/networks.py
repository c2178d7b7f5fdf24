"""Which addresses belong to a test network, where nothing has a value and nobody assesses risks.

Chains write their networks into the version byte or prefix of an address, and so into its first
letters; the chain parameters of each coin say which. What says nothing of its network is taken for
an address of the main one: EVM chains, Tron, Solana, Stellar, Algorand, Tezos, classic XRP.
"""

import re
from collections.abc import Mapping
from typing import Final

_TEST_NETWORKS: Final[Mapping[str, re.Pattern[str]]] = {
    "ADA": re.compile(r"(?i:addr_test1|stake_test1)|37btjr|2cWKMJ"),
    "AEON": re.compile(r"U[mz]|Vn|S[mz]|Tn"),
    "BCH": re.compile(r"(?i:bchtest:|bchreg:)|[mn2]"),
    "BNB": re.compile(r"(?i:tbnb1)"),
    "BTC": re.compile(r"(?i:tb1|bcrt1)|[mn2]"),
    "DASH": re.compile(r"[y89]"),
    "DOGE": re.compile(r"[mn2]"),
    "LTC": re.compile(r"(?i:tltc1|rltc1|tmweb1)|[mnQ2]"),
    "TON": re.compile(r"[k0][A-Za-z0-9+/_-]{47}$"),
    "XMR": re.compile(r"[579AB]"),
    "XRP": re.compile(r"T"),
    "USDC": re.compile(r"T[1-9A-Za-z]{46}$"),
    "USDT": re.compile(r"(?i:tb1|bcrt1)|[mn2][1-9A-Za-z]{25,34}$|[k0][A-Za-z0-9+/_-]{47}$"),
    "ZEC": re.compile(r"tm|t2|zt|(?i:ztestsapling1|utest1|textest1)"),
}
_ALIASES: Final = {"XBT": "BTC"}


def one_ticker(currency: str) -> str:
    """Return the ticker that all tickers of a coin share, in capitals."""
    ticker = currency.upper()
    return _ALIASES.get(ticker, ticker)


def is_of_test_network(currency: str, address: str) -> bool:
    """Say whether a well-formed address of a currency is one of its test networks."""
    pattern = _TEST_NETWORKS.get(one_ticker(currency))
    return pattern is not None and pattern.match(address) is not None
