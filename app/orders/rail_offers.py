"""Which rails are sold, and what one order may be on each: its coin, its limits, its price."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from app.orders import aeonto_parameters
from app.orders.aeonto_parameters import KnownParameters
from app.orders.pricing import Terms
from app.orders.rules.rails import Rail
from app.runtime.errors import InvalidParameter

_COINS: Final = {"aeon": Rail.AEONTO, "bitcoin": Rail.BITCOIN, "btc": Rail.BITCOIN}
_NETWORKS: Final = {Rail.AEONTO: "aeon", Rail.BITCOIN: "btc"}
_NAMES: Final = {Rail.AEONTO: "Aeon", Rail.BITCOIN: "Bitcoin"}
_TICKERS: Final = {Rail.AEONTO: "AEON", Rail.BITCOIN: "BTC"}


@dataclass(frozen=True)
class RailOffer:
    """What one order may be on a rail; amounts in BTC. `known` is what AEON.to said, on its rail."""

    rail: Rail
    least: int
    most: int
    credit_price_btc: Decimal
    lower_limit_btc: Decimal
    upper_limit_btc: Decimal
    as_of: datetime
    known: KnownParameters | None = None

    @property
    def ticker(self) -> str:
        """The coin, and its network, as tickers."""
        return _TICKERS[self.rail]

    def allows(self, number_of_credits: int) -> bool:
        """Say whether one order may buy so many."""
        return self.least <= number_of_credits <= self.most

    def price(self, number_of_credits: int) -> Decimal:
        """Return what so many credits cost now, in the coin."""
        btc_amount = number_of_credits * self.credit_price_btc
        return btc_amount if self.known is None else self.known.price_aeon(btc_amount)


def sold_rails(terms: Terms) -> list[Rail]:
    """Return the rails that may be paid on, AEON.to's first."""
    return [rail for rail in Rail if rail is not Rail.BITCOIN or terms.bitcoin is not None]


def rail_of(payment_coin: str, payment_network: str, terms: Terms) -> Rail:
    """Return the rail that a coin and its network name. Raises InvalidParameter."""
    rail = coin_rail(payment_coin, terms)
    if rail is None:
        raise InvalidParameter("payment_coin", f"one of: {_shown(terms)}")
    if payment_network.lower() != _NETWORKS[rail]:
        raise InvalidParameter("payment_network", f"{_TICKERS[rail]} for the coin {_NAMES[rail]}")
    return rail


def rails_asked(payment_coin: str | None, payment_network: str | None, terms: Terms) -> list[Rail]:
    """Return the rails that a question is about, which may name a coin, a network, both or none.

    Raises InvalidParameter.
    """
    if payment_coin is not None:
        rail = coin_rail(payment_coin, terms)
        return [rail_of(payment_coin, payment_network or (_NETWORKS[rail] if rail else ""), terms)]
    if payment_network is None:
        return sold_rails(terms)
    named = [rail for rail in sold_rails(terms) if _NETWORKS[rail] == payment_network.lower()]
    if not named:
        allowed = ", ".join(_TICKERS[rail] for rail in sold_rails(terms))
        raise InvalidParameter("payment_network", f"one of: {allowed}")
    return named


def coin_rail(payment_coin: str, terms: Terms) -> Rail | None:
    """Return the rail of a coin, by name or ticker in any case; None where it is not sold for."""
    rail = _COINS.get(payment_coin.lower())
    return rail if rail in sold_rails(terms) else None


def _shown(terms: Terms) -> str:
    return ", ".join(
        f"{_NAMES[rail]} ({_TICKERS[rail]}) on the network {_TICKERS[rail]}"
        for rail in sold_rails(terms)
    )


async def known_offers(connection: AsyncConnection, terms: Terms, now: datetime) -> list[RailOffer]:
    """Return what is known of the rails that are sold; AEON.to's is missing while it is away."""
    return _offers(await aeonto_parameters.known(connection, now), terms, now)


def _offers(known: KnownParameters | None, terms: Terms, now: datetime) -> list[RailOffer]:
    offers = []
    price_btc = terms.credit_price_btc
    if known is not None:
        least, most = known.credit_range(price_btc, terms.max_credits_per_order)
        offers.append(
            RailOffer(
                Rail.AEONTO,
                least,
                most,
                price_btc,
                known.lower_limit_btc,
                known.upper_limit_btc,
                known.seen_at,
                known,
            )
        )
    if terms.bitcoin is not None:
        least, most = terms.credits_in_bitcoin()
        offers.append(
            RailOffer(
                Rail.BITCOIN, least, most, price_btc, least * price_btc, most * price_btc, now
            )
        )
    return offers


async def known_range(
    connection: AsyncConnection, rail: Rail | None, terms: Terms, now: datetime
) -> tuple[int, int]:
    """Return what `credit_range` returns by what is known of AEON.to."""
    return credit_range(await aeonto_parameters.known(connection, now), rail, terms, now)


def credit_range(
    known: KnownParameters | None, rail: Rail | None, terms: Terms, now: datetime
) -> tuple[int, int]:
    """Return the least and the most credits of one order on a rail; None: on any.

    While AEON.to's limits are unknown, its rail refuses nothing of what is sold at most.
    """
    rails = sold_rails(terms) if rail is None else [rail]
    offers = {offer.rail: offer for offer in _offers(known, terms, now)}
    unknown = (1, terms.max_credits_per_order)
    ranges = [(offers[one].least, offers[one].most) if one in offers else unknown for one in rails]
    return min(least for least, _ in ranges), max(most for _, most in ranges)


def outside(least: int, most: int) -> InvalidParameter:
    """Make the refusal of a number of credits that is not in a range."""
    return InvalidParameter("number_of_credits", f"a whole number from {least} to {most}")
