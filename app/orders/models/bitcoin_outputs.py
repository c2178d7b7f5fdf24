"""`bitcoin_outputs`: what arrived at the address of an order, output by output."""

from datetime import datetime
from decimal import Decimal

from sqlalchemy import CheckConstraint, ForeignKey, Index, Numeric
from sqlalchemy.orm import Mapped, mapped_column

from app.runtime.db.base import Base


class BitcoinOutput(Base):
    """One output of a transaction that pays the address of an order; it counts for that one alone.

    `arrived_at` is when it was first seen, or its block's time if that is earlier; `gone_at` is when
    the chain no longer showed it: replaced, double-spent or reorganised away. `is_coinbase`: it is
    new coins, which count after 100 confirmations. `before_order`: it was there before the order, or
    settled another one, and pays nothing; `block_height` is the lowest of a block in which any
    server showed it.
    """

    __tablename__ = "bitcoin_outputs"
    __table_args__ = (
        CheckConstraint("txid ~ '^[0-9a-f]{64}$'", name="txid"),
        CheckConstraint("output_index >= 0", name="output_index"),
        CheckConstraint("value_btc >= 0", name="value_btc"),
        CheckConstraint("confirmations >= 0", name="confirmations"),
        Index("ix_bitcoin_outputs_order_id", "order_id"),
    )

    txid: Mapped[str] = mapped_column(primary_key=True)
    output_index: Mapped[int] = mapped_column(primary_key=True)
    order_id: Mapped[str] = mapped_column(ForeignKey("orders.id"))
    value_btc: Mapped[Decimal] = mapped_column(Numeric(20, 8))
    confirmations: Mapped[int]
    replaceable: Mapped[bool]
    arrived_at: Mapped[datetime]
    gone_at: Mapped[datetime | None]
    is_coinbase: Mapped[bool] = mapped_column(server_default="false")
    before_order: Mapped[bool] = mapped_column(server_default="false")
    block_height: Mapped[int | None]
