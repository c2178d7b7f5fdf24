"""`settlements`: which output of which bitcoin transaction settled an order, append-only."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.runtime.db.base import Base


class SettledOutput(Base):
    """What the chain showed when an order moved to BTC_SENT. One output settles one order.

    `is_coinbase`: it was new coins, which settle an order with 100 confirmations.
    """

    __tablename__ = "settlements"
    __table_args__ = (
        UniqueConstraint("txid", "output_index"),
        # One spelling of each id, so that two of them are two transactions.
        CheckConstraint("txid ~ '^[0-9a-f]{64}$'", name="txid"),
        CheckConstraint("output_index >= 0", name="output_index"),
        CheckConstraint("confirmations >= 1", name="confirmations"),
        CheckConstraint("NOT is_coinbase OR confirmations >= 100", name="new_coins"),
    )

    order_id: Mapped[str] = mapped_column(ForeignKey("orders.id"), primary_key=True)
    txid: Mapped[str]
    output_index: Mapped[int]
    confirmations: Mapped[int]
    at: Mapped[datetime]
    is_coinbase: Mapped[bool] = mapped_column(server_default="false")
