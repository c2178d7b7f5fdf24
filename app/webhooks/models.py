"""`webhook_endpoints` and `webhook_deliveries`: who is told, and what was sent to it."""

from datetime import datetime
from typing import Final

from sqlalchemy import (
    ARRAY,
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Index,
    SmallInteger,
    Text,
    UniqueConstraint,
    false,
    literal_column,
)
from sqlalchemy.orm import Mapped, mapped_column

from app.runtime.db.base import Base, one_of
from app.webhooks.rules.states import DeliveryStatus, DisabledReason, EndpointStatus

# As the partial indexes have it: a statement with a parameter there does not use them.
PENDING: Final = literal_column("'pending'", Text)
ENABLED: Final = literal_column("'enabled'", Text)


class WebhookEndpoint(Base):
    """A URL that is told the events of an account.

    `last_sequence` is the last event of the account that was turned into a delivery, or passed over
    by `event_types`. Secrets are sealed (`app.webhooks.secrets`).
    """

    __tablename__ = "webhook_endpoints"
    __table_args__ = (
        CheckConstraint(one_of("status", EndpointStatus), name="status"),
        CheckConstraint(one_of("disabled_reason", DisabledReason), name="disabled_reason"),
        CheckConstraint(
            "(status = 'disabled') = (disabled_reason IS NOT NULL)"
            " AND (status = 'disabled') = (disabled_at IS NOT NULL)",
            name="disabled",
        ),
        CheckConstraint("event_types <> '{}'", name="event_types"),
        CheckConstraint("(old_secret IS NULL) = (old_secret_until IS NULL)", name="old_secret"),
        CheckConstraint("last_sequence >= 0", name="last_sequence"),
        Index("ix_webhook_endpoints_enabled", "id", postgresql_where="status = 'enabled'"),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    account_id: Mapped[str] = mapped_column(ForeignKey("accounts.id"), index=True)
    url: Mapped[str]
    event_types: Mapped[list[str] | None] = mapped_column(ARRAY(Text))
    description: Mapped[str | None]
    created_at: Mapped[datetime]
    status: Mapped[str]
    disabled_reason: Mapped[str | None]
    disabled_at: Mapped[datetime | None]
    failing_since: Mapped[datetime | None]
    is_slow: Mapped[bool] = mapped_column(server_default=false())
    last_sequence: Mapped[int] = mapped_column(BigInteger)
    secret: Mapped[bytes]
    old_secret: Mapped[bytes | None]
    old_secret_until: Mapped[datetime | None]


class WebhookDelivery(Base):
    """One event, or a test, for one endpoint, and what became of the last attempt to send it.

    `woken_at` is when a job was made for it that has not begun; `sequence` is None of a test.
    """

    __tablename__ = "webhook_deliveries"
    __table_args__ = (
        UniqueConstraint("endpoint_id", "sequence"),
        CheckConstraint(one_of("status", DeliveryStatus), name="status"),
        CheckConstraint(
            "(status = 'pending') = (next_attempt_at IS NOT NULL)", name="next_attempt_at"
        ),
        CheckConstraint("attempts >= 0", name="attempts"),
        Index("ix_webhook_deliveries_endpoint_id_created_at_id", "endpoint_id", "created_at", "id"),
        Index(
            "ix_webhook_deliveries_pending",
            "endpoint_id",
            "next_attempt_at",
            "sequence",
            postgresql_where="status = 'pending'",
        ),
        Index(
            "ix_webhook_deliveries_busy",
            "endpoint_id",
            postgresql_where="status = 'pending'"
            " AND (woken_at IS NOT NULL OR lease_until IS NOT NULL)",
        ),
        Index("ix_webhook_deliveries_created_at", "created_at"),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    endpoint_id: Mapped[str] = mapped_column(ForeignKey("webhook_endpoints.id", ondelete="CASCADE"))
    sequence: Mapped[int | None] = mapped_column(BigInteger)
    event_type: Mapped[str]
    message_id: Mapped[str]
    request_body: Mapped[str]
    created_at: Mapped[datetime]
    status: Mapped[str]
    next_attempt_at: Mapped[datetime | None]
    woken_at: Mapped[datetime | None]
    lease_until: Mapped[datetime | None]
    attempts: Mapped[int] = mapped_column(SmallInteger, server_default="0")
    first_attempt_at: Mapped[datetime | None]
    last_attempt_at: Mapped[datetime | None]
    answer_status: Mapped[int | None]
    answer_body: Mapped[str | None]
    duration_ms: Mapped[int | None]
    error: Mapped[str | None]
