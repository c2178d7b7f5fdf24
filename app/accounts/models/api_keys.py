"""`api_keys`: secrets in the X-API-KEY header, stored hashed."""

from datetime import datetime

from sqlalchemy import ARRAY, CheckConstraint, ForeignKey, Text, false
from sqlalchemy.orm import Mapped, mapped_column

from app.accounts.rules.key_limits import Scope
from app.runtime.db.base import Base

_SCOPES = ", ".join(f"'{scope}'" for scope in Scope)


class ApiKey(Base):
    """A key found by its public prefix; bound to one account, or to none.

    `parent_prefix` names the key that made it, if one did; it expires with that one or before, and
    may do no more. Its limits never change. After a rotation the old secret is good for a while.
    """

    __tablename__ = "api_keys"
    __table_args__ = (
        CheckConstraint("char_length(name) BETWEEN 1 AND 64", name="name"),
        CheckConstraint(
            f"scopes <> '{{}}' AND scopes <@ ARRAY[{_SCOPES}]",
            name="scopes",
        ),
        CheckConstraint("ip_allow_list <> '{}'", name="ip_allow_list"),
        CheckConstraint(
            "(old_secret_hash IS NULL) = (old_secret_until IS NULL)", name="old_secret"
        ),
    )

    prefix: Mapped[str] = mapped_column(primary_key=True)
    secret_hash: Mapped[bytes]
    account_id: Mapped[str | None] = mapped_column(ForeignKey("accounts.id"), index=True)
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
    name: Mapped[str | None]
    scopes: Mapped[list[str] | None] = mapped_column(ARRAY(Text))
    read_only: Mapped[bool] = mapped_column(server_default=false())
    ip_allow_list: Mapped[list[str] | None] = mapped_column(ARRAY(Text))
    last_used_at: Mapped[datetime | None]
    old_secret_hash: Mapped[bytes | None]
    old_secret_until: Mapped[datetime | None]
    parent_prefix: Mapped[str | None] = mapped_column(ForeignKey("api_keys.prefix"), index=True)
