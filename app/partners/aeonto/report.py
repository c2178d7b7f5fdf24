"""What AEON.to says of one order."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal


@dataclass(frozen=True, kw_only=True)
class Report:
    """What AEON.to says of an order; None where it says nothing.

    `state` is upstream's own word and may be one that we do not know. Bitcoin amounts are in BTC,
    incoming amounts in AEON, the price in BTC per AEON.
    """

    state: str
    uuid: str | None = None
    btc_amount: Decimal | None = None
    btc_dest_address: str | None = None
    receiving_address: str | None = None
    receiving_integrated_address: str | None = None
    required_payment_id_long: str | None = None
    required_payment_id_short: str | None = None
    incoming_amount_total: Decimal | None = None
    remaining_amount_incoming: Decimal | None = None
    incoming_price_btc: Decimal | None = None
    incoming_num_confirmations_remaining: int | None = None
    recommended_mixin: int | None = None
    btc_num_confirmations: int | None = None
    btc_num_confirmations_before_purge: int | None = None
    btc_transaction_id: str | None = None
    created_at: datetime | None = None
    expires_at: datetime | None = None
