"""`idempotency_keys`: what was answered under a caller's Idempotency-Key."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, SmallInteger
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.runtime.db.base import Base


class IdempotencyKey(Base):
    """One use of a key by an account at an endpoint.

    A committed row has the first 2xx answer, or the assessment, or the batch of them, that the
    answer will be about (`key_has_answer`).
    """

    __tablename__ = "idempotency_keys"
    __table_args__ = (
        CheckConstraint("key ~ '^[!-~]{1,255}$'", name="key"),
        CheckConstraint("octet_length(request_hash) = 32", name="request_hash"),
        CheckConstraint("status BETWEEN 200 AND 299", name="status"),
        CheckConstraint("(status IS NULL) = (body IS NULL)", name="answer"),
    )

    account_id: Mapped[str] = mapped_column(ForeignKey("accounts.id"), primary_key=True)
    endpoint: Mapped[str] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    request_hash: Mapped[bytes]
    assessment_id: Mapped[str | None] = mapped_column(ForeignKey("assessments.id"), unique=True)
    batch: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    status: Mapped[int | None] = mapped_column(SmallInteger)
    body: Mapped[bytes | None]
    created_at: Mapped[datetime] = mapped_column(index=True)
