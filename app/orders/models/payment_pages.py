"""`payment_pages`: the links to pages on which the buyers of orders pay."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from app.runtime.db.base import Base


class PaymentPage(Base):
    """A link that is good until `expires_at`; the token in it is stored as its SHA-256 alone."""

    __tablename__ = "payment_pages"
    __table_args__ = (
        CheckConstraint("octet_length(token_hash) = 32", name="token_hash"),
        CheckConstraint("expires_at > created_at", name="expires_at"),
        CheckConstraint("char_length(return_url) BETWEEN 1 AND 2000", name="return_url"),
    )

    token_hash: Mapped[bytes] = mapped_column(primary_key=True)
    order_id: Mapped[str] = mapped_column(ForeignKey("orders.id"))
    return_url: Mapped[str | None]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)
