"""What credits are sold for, from the settings."""

from dataclasses import dataclass
from datetime import timedelta
from decimal import ROUND_CEILING, Decimal

from app.orders.rules.bitcoin_payments import DUST_SATOSHI, Valuation
from app.orders.rules.states import OrderStatus
from app.orders.wallet.wallet import Wallet
from app.runtime.money import SATOSHI, in_satoshi


@dataclass(frozen=True, kw_only=True)
class BitcoinTerms:
    """How an order is paid in bitcoin; amounts in BTC.

    The price of an order stands for `payment_window`, and for money that came at most `late_grace`
    after it. `excess_to_credits`: what is paid beyond the price buys whole credits, too.
    """

    wallet: Wallet
    confirmations: int
    unconfirmed_up_to_btc: Decimal
    one_confirmation_up_to_btc: Decimal
    payment_window: timedelta
    late_grace: timedelta
    excess_to_credits: bool

    def confirmations_for(self, btc_amount: Decimal) -> int:
        """Return how many confirmations an amount needs."""
        if btc_amount <= self.unconfirmed_up_to_btc:
            return 0
        if btc_amount <= self.one_confirmation_up_to_btc:
            return min(1, self.confirmations)
        return self.confirmations


@dataclass(frozen=True)
class Terms:
    """What an order is sold for, amounts in BTC; `bitcoin` is None where that rail is not offered.

    `max_open_orders`: how many unpaid ones a user and its access codes may have at once; 0: any
    number.
    """

    credit_price_btc: Decimal
    max_credits_per_order: int
    btc_dest_address: str
    granting_status: OrderStatus
    create_deadline: timedelta
    bitcoin: BitcoinTerms | None = None
    max_open_orders: int = 0

    def valuation(self) -> Valuation:
        """Return how bitcoin that came late or in excess is valued today."""
        return Valuation(
            price_satoshi=in_satoshi(self.credit_price_btc),
            excess_to_credits=self.bitcoin is not None and self.bitcoin.excess_to_credits,
        )

    def credits_in_bitcoin(self) -> tuple[int, int]:
        """Return the least and the most credits of an order in bitcoin: its price is never dust."""
        least = (DUST_SATOSHI * SATOSHI / self.credit_price_btc).to_integral_value(ROUND_CEILING)
        return max(1, int(least)), self.max_credits_per_order
