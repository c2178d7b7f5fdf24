"""What AEON.to says of one order."""

from dataclasses import dataclass
from typing import Annotated

from pydantic import AliasChoices, Field

from app.partners.aeonto.fields import Aeon, Btc, Count, Moment, Word


@dataclass(frozen=True, kw_only=True)
class Report:
    """What AEON.to says of an order; None where it says nothing.

    `state` is upstream's own word and may be one that we do not know. Bitcoin amounts are in BTC,
    incoming amounts in AEON, the price in BTC per AEON.
    """

    state: Word
    uuid: Word | None = None
    btc_amount: Btc | None = None
    btc_dest_address: Word | None = None
    receiving_address: Word | None = None
    receiving_integrated_address: Word | None = None
    required_payment_id_long: Word | None = None
    required_payment_id_short: Word | None = None
    incoming_amount_total: Aeon | None = None
    remaining_amount_incoming: Aeon | None = None
    incoming_price_btc: Btc | None = None
    incoming_num_confirmations_remaining: Count | None = None
    # AEON.to API v3, "Querying order status": the table has the first name, its example the second.
    recommended_mixin: Annotated[
        Count | None,
        Field(validation_alias=AliasChoices("aeon_recommended_mixin", "recommended_mixin")),
    ] = None
    btc_num_confirmations: Count | None = None
    btc_num_confirmations_before_purge: Count | None = None
    btc_transaction_id: Word | None = None
    created_at: Moment | None = None
    expires_at: Moment | None = None
