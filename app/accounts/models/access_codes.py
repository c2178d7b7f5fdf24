"""`access_codes`: identifiers that own credits and carry no personal data."""

from datetime import datetime

from sqlalchemy import CheckConstraint, Computed, ForeignKey, ForeignKeyConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.runtime.db.base import Base


class AccessCode(Base):
    """16 characters of base62, issued by a user; deactivation is the account's status."""

    __tablename__ = "access_codes"
    __table_args__ = (
        ForeignKeyConstraint(["account_id", "kind"], ["accounts.id", "accounts.kind"]),
        CheckConstraint("access_code ~ '^[A-Za-z0-9]{16}$'", name="access_code"),
    )

    account_id: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(Computed("'access_code'", persisted=True))
    access_code: Mapped[str] = mapped_column(unique=True)
    issuer_id: Mapped[str] = mapped_column(ForeignKey("users.account_id"), index=True)
    expires_at: Mapped[datetime | None]
