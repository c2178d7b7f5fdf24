"""What a transition of an order is decided from: the order as it is kept, and what was observed.

A store loads an `OrderFacts`, a rail makes an `Observation`. Amounts are in BTC unless the name says
satoshi.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from app.orders.rules.bitcoin_payments import Invoice, Valuation
from app.orders.rules.prior_money import EarlierSighting
from app.orders.rules.rails import Rail
from app.orders.rules.settlement import ALL_TAKEN, Settlement
from app.orders.rules.states import OrderStatus
from app.partners.aeonto.report import Report
from app.partners.esplora.outputs import OutputId, ReceivedOutput

SIGHTINGS_NEEDED: Final = 3
SIGHTINGS_SPAN: Final = timedelta(minutes=10)


@dataclass(frozen=True)
class Sighting:
    """A report that must be seen several times before it is believed."""

    status: OrderStatus
    count: int
    since: datetime

    def again(self) -> "Sighting":
        """Return this sighting, seen once more."""
        return replace(self, count=self.count + 1)

    def believed(self, now: datetime) -> bool:
        """Say whether it was seen often enough, over long enough."""
        return self.count >= SIGHTINGS_NEEDED and now - self.since >= SIGHTINGS_SPAN


@dataclass(frozen=True)
class Failures:
    """Requests about one order that failed in a way that needs a person, with no answer between."""

    count: int
    since: datetime

    def lasts(self, now: datetime) -> bool:
        """Say whether they were often enough, over long enough, for an alarm."""
        return self.count >= SIGHTINGS_NEEDED and now - self.since >= SIGHTINGS_SPAN


@dataclass(frozen=True, kw_only=True)
class OrderFacts:
    """An order as it is kept, whichever rail it is paid on.

    `grant_price_btc` is what a credit cost at the grant; None without one, over AEON.to, and where
    an operator granted.
    """

    rail: Rail
    status: OrderStatus
    status_since: datetime
    created_at: datetime
    granting_status: OrderStatus
    number_of_credits: int
    btc_amount: Decimal
    btc_dest_address: str
    credits_granted: int | None = None
    grant_price_btc: Decimal | None = None
    sighting: Sighting | None = None
    failures: Failures | None = None

    @property
    def granted(self) -> bool:
        """Whether the order has its credits."""
        return self.credits_granted is not None


@dataclass(frozen=True, kw_only=True)
class AeontoOrder(OrderFacts):
    """An order paid over AEON.to, and what is kept of its payment.

    `uuid` is AEON.to's name for it, None until AEON.to has accepted it; `uuid_is_taken`: the uuid
    that an answer gives it now is another order's. `seen_at` is the time of the last report that was
    kept. `claimed_at` is when AEON.to first said of it what the chain did not bear out.
    """

    uuid: str | None
    uuid_is_taken: bool = False
    seen_at: datetime | None = None
    claimed_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class BitcoinOrder(OrderFacts):
    """An order paid in bitcoin, and what is kept of its payment.

    `seen_at` is the time of the last look, or of the order itself. `outputs` are those that are kept,
    `settled` those of the observation that settled another order. `known_height` is that of the
    chain when the order was placed. `valuation` is today's.
    """

    invoice: Invoice
    seen_at: datetime
    outputs: Mapping[OutputId, EarlierSighting]
    settled: Collection[OutputId]
    known_height: int | None
    valuation: Valuation

    @property
    def granted_by_hand(self) -> bool:
        """Whether an operator granted the credits, so that no money need be there."""
        return self.granted and self.grant_price_btc is None


@dataclass(frozen=True)
class AeontoObservation:
    """A report of AEON.to, and what the chain says of it; `settlement` None: the chain is not asked."""

    report: Report
    settlement: Settlement | None = None

    def unsettled(self) -> "AeontoObservation":
        """Return the same report where each output that pays settled another order."""
        return AeontoObservation(self.report, ALL_TAKEN)


@dataclass(frozen=True)
class BitcoinObservation:
    """What the chain shows at the address of an order."""

    arrivals: Sequence[ReceivedOutput]


@dataclass(frozen=True)
class RequestFailed:
    """A request brought nothing: it is sent again after a pause.

    `alarm` is what this failure calls for, `why` what failed, in words for the operator. `creating`:
    the request was to create the order at its partner.
    """

    pause: timedelta
    alarm: str | None
    why: str | None
    creating: bool


@dataclass(frozen=True)
class RefusedForGood:
    """The partner will never take this order."""


Observation = AeontoObservation | BitcoinObservation | RequestFailed | RefusedForGood
