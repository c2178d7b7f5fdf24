"""`ledger_entries`: every movement of credits, append-only. Only `ledger/service.py` writes it."""

from datetime import datetime

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Identity,
    Index,
    UniqueConstraint,
)
from sqlalchemy.orm import Mapped, mapped_column

from app.ledger.rules import EntryKind
from app.runtime.db.base import Base, one_of


class LedgerEntry(Base):
    """One signed movement; `balance_after` chains the entries of an account."""

    __tablename__ = "ledger_entries"
    __table_args__ = (
        ForeignKeyConstraint(["order_id", "account_id"], ["orders.id", "orders.beneficiary_id"]),
        ForeignKeyConstraint(
            ["assessment_id", "account_id"], ["assessments.id", "assessments.account_id"]
        ),
        UniqueConstraint("transfer_id", "account_id"),
        CheckConstraint(one_of("kind", EntryKind), name="kind"),
        CheckConstraint("balance_after >= 0", name="balance_after"),
        CheckConstraint("(kind = 'purchase') = (order_id IS NOT NULL)", name="order"),
        CheckConstraint(
            "(kind IN ('assessment', 'refund')) = (assessment_id IS NOT NULL)", name="assessment"
        ),
        CheckConstraint("(kind = 'transfer') = (transfer_id IS NOT NULL)", name="transfer"),
        CheckConstraint("(kind = 'adjustment') = (reason IS NOT NULL)", name="reason"),
        CheckConstraint(
            "CASE kind WHEN 'purchase' THEN amount > 0 WHEN 'assessment' THEN amount = -1"
            " WHEN 'refund' THEN amount = 1 ELSE amount <> 0 END",
            name="amount",
        ),
        Index(
            "uq_ledger_entries_purchase",
            "order_id",
            unique=True,
            postgresql_where="kind = 'purchase'",
        ),
        Index(
            "uq_ledger_entries_assessment_id_kind",
            "assessment_id",
            "kind",
            unique=True,
            postgresql_where="assessment_id IS NOT NULL",
        ),
        Index("ix_ledger_entries_account_id_id", "account_id", "id"),
        Index("ix_ledger_entries_account_id_at", "account_id", "at"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    account_id: Mapped[str] = mapped_column(ForeignKey("accounts.id"))
    kind: Mapped[str]
    amount: Mapped[int] = mapped_column(BigInteger)
    balance_after: Mapped[int] = mapped_column(BigInteger)
    order_id: Mapped[str | None]
    assessment_id: Mapped[str | None]
    transfer_id: Mapped[str | None]
    reason: Mapped[str | None]
    at: Mapped[datetime]
