"""`assessments`: paid questions to a risk provider, and their answers."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, SmallInteger, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.assessments.rules.questions import AssessmentStatus, AssessmentType
from app.runtime.db.base import Base, one_of


class Assessment(Base):
    """One question; while it is pending it is due for a try, or under a lease.

    `as_of` is the day in UTC as of which it is to be answered; null: as of now. Once it is
    finished it stays as it is. An earlier version of the program left `answered_at` and `spelling`
    null: it was answered at its last update. The address was spelt by `spelling_rules` (0: those of
    an earlier version); the worker spells it anew where they are not today's. `canonical` is for
    the version before alone.
    """

    __tablename__ = "assessments"
    __table_args__ = (
        UniqueConstraint("id", "account_id"),
        CheckConstraint(one_of("status", AssessmentStatus), name="status"),
        CheckConstraint(one_of("assessment_type", AssessmentType), name="assessment_type"),
        CheckConstraint(
            "(assessment_type = 'transaction') = (tx_hash IS NOT NULL)", name="tx_hash"
        ),
        CheckConstraint("(status = 'pending') = (next_try_at IS NOT NULL)", name="pending_is_due"),
        CheckConstraint("(status = 'ready') = (answer IS NOT NULL)", name="answer"),
        CheckConstraint("(status = 'failed') = (failure_reason IS NOT NULL)", name="failure"),
        CheckConstraint("(lease_token IS NULL) = (lease_until IS NULL)", name="lease"),
        CheckConstraint("char_length(client_reference) BETWEEN 1 AND 128", name="client_reference"),
        CheckConstraint("jsonb_typeof(client_metadata) = 'object'", name="client_metadata"),
        Index(
            "ix_assessments_next_try_at", "next_try_at", postgresql_where="next_try_at IS NOT NULL"
        ),
        Index("ix_assessments_spelling_id", "spelling", "id"),
        Index("ix_assessments_spelling_rules", "spelling_rules"),
        Index("ix_assessments_canonical_id", "canonical", "id"),
        Index("ix_assessments_without_canonical", "id", postgresql_where="canonical IS NULL"),
        Index("ix_assessments_without_spelling", "id", postgresql_where="spelling IS NULL"),
        Index("ix_assessments_account_id_address", "account_id", "address"),
        Index("ix_assessments_account_id_created_at_id", "account_id", "created_at", "id"),
        Index(
            "ix_assessments_account_id_status_created_at_id",
            *("account_id", "status", "created_at", "id"),
        ),
        Index(
            "ix_assessments_account_id_client_reference",
            *("account_id", "client_reference", "created_at", "id"),
            postgresql_where="client_reference IS NOT NULL",
        ),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    account_id: Mapped[str] = mapped_column(ForeignKey("accounts.id"))
    assessment_type: Mapped[str]
    address: Mapped[str]
    currency: Mapped[str]
    tx_hash: Mapped[str | None]
    as_of: Mapped[date | None]
    provider: Mapped[str]
    edition: Mapped[str] = mapped_column(server_default="")
    progress: Mapped[dict[str, Any]] = mapped_column(server_default="{}")
    status: Mapped[str]
    attempts: Mapped[int]
    next_try_at: Mapped[datetime | None]
    lease_token: Mapped[str | None]
    lease_until: Mapped[datetime | None]
    answer: Mapped[dict[str, Any] | None]
    failure_reason: Mapped[str | None]
    client_reference: Mapped[str | None]
    client_metadata: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    created_at: Mapped[datetime]
    answered_at: Mapped[datetime | None]
    spelling: Mapped[str | None]
    spelling_rules: Mapped[int] = mapped_column(SmallInteger, server_default="0")
    canonical: Mapped[str | None]
    updated_at: Mapped[datetime]
