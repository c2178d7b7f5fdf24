"""`failed_attempts`: what the replicas count together against guessing."""

from datetime import datetime

from sqlalchemy import CheckConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.runtime.db.base import Base


class FailedAttempts(Base):
    """The failures of one subject under a throttle, in a window that began with the first."""

    __tablename__ = "failed_attempts"
    __table_args__ = (
        CheckConstraint("octet_length(subject) = 32", name="subject"),
        CheckConstraint("failures > 0", name="failures"),
    )

    throttle: Mapped[str] = mapped_column(primary_key=True)
    subject: Mapped[bytes] = mapped_column(primary_key=True)
    failures: Mapped[int]
    ends_at: Mapped[datetime] = mapped_column(index=True)
