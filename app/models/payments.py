"""`payments`: what AEON.to knows of an order."""

from datetime import datetime
from decimal import Decimal

from sqlalchemy import ForeignKey, Numeric
from sqlalchemy.orm import Mapped, mapped_column

from app.db.base import Base


class Payment(Base):
    """One per order, once AEON.to has accepted it. Bitcoin in BTC, incoming amounts in AEON."""

    __tablename__ = "payments"

    order_id: Mapped[str] = mapped_column(ForeignKey("orders.id"), primary_key=True)
    uuid: Mapped[str] = mapped_column(unique=True)
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
