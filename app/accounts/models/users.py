"""`users`: people with an e-mail and a password."""

from sqlalchemy import CheckConstraint, Computed, ForeignKeyConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.runtime.db.base import Base


class User(Base):
    """A person; its affiliate code is the `affiliate_origin` of the access codes it issues."""

    __tablename__ = "users"
    __table_args__ = (
        ForeignKeyConstraint(["account_id", "kind"], ["accounts.id", "accounts.kind"]),
        CheckConstraint("email = lower(email)", name="email_lower"),
    )

    account_id: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(Computed("'user'", persisted=True))
    email: Mapped[str] = mapped_column(unique=True)
    password_hash: Mapped[str]
    affiliate_code: Mapped[str] = mapped_column(unique=True)
