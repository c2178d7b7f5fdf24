"""`order_events`: what happened to each order, append-only."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Identity, Index
from sqlalchemy.orm import Mapped, mapped_column

from app.runtime.db.base import Base, one_of


class OrderEventKind(StrEnum):
    """A move that was made, a report that was refused, or an alarm for the operator.

    A report that was refused is AEON.to's, or a finding of the audit that an operator acknowledged.
    """

    MOVED = "moved"
    REFUSED = "refused"
    ALARM = "alarm"


class OrderEvent(Base):
    """One event; the moved ones of an order form one legal path that ends in its status."""

    __tablename__ = "order_events"
    __table_args__ = (
        CheckConstraint(one_of("kind", OrderEventKind), name="kind"),
        Index("ix_order_events_order_id_id", "order_id", "id"),
        Index("ix_order_events_alarms", "at", postgresql_where="kind = 'alarm'"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    order_id: Mapped[str] = mapped_column(ForeignKey("orders.id"))
    kind: Mapped[str]
    from_status: Mapped[str | None]
    to_status: Mapped[str]
    at: Mapped[datetime]
    reason: Mapped[str]
    evidence: Mapped[dict[str, Any] | None]
