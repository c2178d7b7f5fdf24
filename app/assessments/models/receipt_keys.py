"""`receipt_keys`: the public keys that receipts were ever signed by, append-only."""

from datetime import datetime

from sqlalchemy import CheckConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.runtime.db.base import Base


class ReceiptKey(Base):
    """A public key, from its first use on. Its private part is in the environment alone."""

    __tablename__ = "receipt_keys"
    __table_args__ = (
        CheckConstraint("id ~ '^[0-9a-f]{16}$'", name="id"),
        CheckConstraint("octet_length(public_key) = 32", name="public_key"),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    public_key: Mapped[bytes]
    since: Mapped[datetime]
