"""`audit_log`: who did what, append-only."""

from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, Identity
from sqlalchemy.orm import Mapped, mapped_column

from app.runtime.db.base import Base


class AuditLine(Base):
    """One action: `actor` is an account id, `operator` or `worker`; `request_id` its cause.

    `api_key` is the prefix of the key that an account acted by; empty for a session.
    """

    __tablename__ = "audit_log"

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    at: Mapped[datetime]
    actor: Mapped[str]
    action: Mapped[str]
    subject: Mapped[str]
    request_id: Mapped[str]
    ledger_entry_id: Mapped[int | None] = mapped_column(
        ForeignKey("ledger_entries.id"), unique=True
    )
    api_key: Mapped[str | None]
