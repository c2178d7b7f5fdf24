"""`payments`: what is known of the payment of an order: by AEON.to, or from the chain."""

from datetime import datetime
from decimal import Decimal

from sqlalchemy import CheckConstraint, ForeignKey, Numeric
from sqlalchemy.orm import Mapped, mapped_column

from app.runtime.db.base import Base


class Payment(Base):
    """One per order, once it can be paid. Bitcoin in BTC, incoming amounts in AEON.

    The last five are of the bitcoin rail alone, where `uuid` is None.
    """

    __tablename__ = "payments"
    __table_args__ = (
        CheckConstraint(
            "num_nulls(late_until, confirmations_wanted, confirmations_seen, received_btc,"
            " confirmed_btc) = CASE WHEN uuid IS NULL THEN 0 ELSE 5 END",
            name="one_rail",
        ),
        CheckConstraint("confirmed_btc BETWEEN 0 AND received_btc", name="received"),
        CheckConstraint("confirmations_wanted BETWEEN 0 AND 100", name="confirmations_wanted"),
    )

    order_id: Mapped[str] = mapped_column(ForeignKey("orders.id"), primary_key=True)
    uuid: Mapped[str | None] = mapped_column(unique=True)
    state: Mapped[str]
    btc_amount: Mapped[Decimal] = mapped_column(Numeric(20, 8))
    btc_dest_address: Mapped[str]
    receiving_address: Mapped[str | None]
    receiving_integrated_address: Mapped[str | None]
    required_payment_id_long: Mapped[str | None]
    required_payment_id_short: Mapped[str | None]
    incoming_amount_total: Mapped[Decimal | None]
    remaining_amount_incoming: Mapped[Decimal | None]
    incoming_price_btc: Mapped[Decimal | None]
    incoming_num_confirmations_remaining: Mapped[int | None]
    recommended_mixin: Mapped[int | None]
    btc_num_confirmations: Mapped[int | None]
    btc_num_confirmations_before_purge: Mapped[int | None]
    btc_transaction_id: Mapped[str | None]
    upstream_created_at: Mapped[datetime | None]
    expires_at: Mapped[datetime | None]
    seen_at: Mapped[datetime]
    settlement_claimed_at: Mapped[datetime | None]
    late_until: Mapped[datetime | None]
    confirmations_wanted: Mapped[int | None]
    confirmations_seen: Mapped[int | None]
    # Of what arrived; `confirmations_wanted` is what the order wants of coins that are not new.
    confirmations_needed: Mapped[int | None]
    received_btc: Mapped[Decimal | None] = mapped_column(Numeric(20, 8))
    confirmed_btc: Mapped[Decimal | None] = mapped_column(Numeric(20, 8))
