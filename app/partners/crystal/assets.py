"""Which assets Crystal is asked about, and in which units it counts them."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType
from typing import Final

NATIVE: Final = 0


@dataclass(frozen=True)
class Asset:
    """Crystal's words for an asset: the chain's ticker, and which token on it.

    `decimals` is how many places of the whole coin Crystal's amounts count in; None: not known.
    """

    currency: str
    token_id: int = NATIVE
    decimals: int | None = 8

    @property
    def chain(self) -> str:
        """Our name of the chain: an address of another one is none of this asset."""
        return _CHAINS[self.currency]


_CHAINS: Final[Mapping[str, str]] = MappingProxyType(
    {"bch": "bitcoin-cash", "btc": "bitcoin", "eth": "ethereum", "ltc": "litecoin"}
)

# Amounts of ETH come in gwei: an answer's amount and its worth at the time fit no other unit.
# Those of tokens were never seen.
ASSETS: Final[Mapping[str, Asset]] = MappingProxyType(
    {
        "BCH": Asset("bch"),
        "BTC": Asset("btc"),
        "ETH": Asset("eth", decimals=9),
        "LTC": Asset("ltc"),
        "USDT": Asset("eth", token_id=1, decimals=None),
        "XBT": Asset("btc"),
    }
)
# Worth in a currency of the world is counted in hundredths.
FIAT_DECIMALS: Final = 2


def in_whole(minor_units: Decimal, decimals: int) -> Decimal:
    """Convert an amount in minor units into whole ones."""
    return minor_units.scaleb(-decimals)
