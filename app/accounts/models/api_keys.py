"""`api_keys`: secrets in the X-API-KEY header, stored hashed."""

from datetime import datetime

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from app.runtime.db.base import Base


class ApiKey(Base):
    """A key found by its public prefix; bound to one account, or to none.

    `parent_prefix` names the key that made it, if one did; it expires with that one or before.
    """

    __tablename__ = "api_keys"

    prefix: Mapped[str] = mapped_column(primary_key=True)
    secret_hash: Mapped[bytes]
    account_id: Mapped[str | None] = mapped_column(ForeignKey("accounts.id"), index=True)
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
    parent_prefix: Mapped[str | None] = mapped_column(ForeignKey("api_keys.prefix"), index=True)
