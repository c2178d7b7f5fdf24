"""`accounts`: whoever owns credits and acts."""

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.ledger.rules import MAX_BALANCE_CREDITS, AccountKind, AccountStatus
from app.runtime.db.base import Base, one_of


class Account(Base):
    """One row per user and per access code; the balance is what its ledger entries sum to."""

    __tablename__ = "accounts"
    __table_args__ = (
        UniqueConstraint("id", "kind"),
        CheckConstraint(one_of("kind", AccountKind), name="kind"),
        CheckConstraint(one_of("status", AccountStatus), name="status"),
        CheckConstraint(f"balance BETWEEN 0 AND {MAX_BALANCE_CREDITS}", name="balance"),
        CheckConstraint("max_open_orders >= 0", name="max_open_orders"),
        CheckConstraint(
            "returns_to IS NULL OR (kind = 'access_code' AND status = 'inactive')",
            name="returns_to",
        ),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str]
    status: Mapped[str]
    balance: Mapped[int] = mapped_column(BigInteger)
    created_at: Mapped[datetime]
    max_open_orders: Mapped[int | None]
    # Whoever has the credits of a deactivated code, and those that still come to it.
    returns_to: Mapped[str | None] = mapped_column(ForeignKey("accounts.id"))
