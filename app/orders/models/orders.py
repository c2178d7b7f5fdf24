"""`orders`: purchases of credits by a buyer account for a beneficiary account."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Index,
    Numeric,
    SmallInteger,
    UniqueConstraint,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.orders.rules.poll_schedule import Urgency
from app.orders.rules.rails import Rail
from app.orders.rules.states import OrderStatus
from app.runtime.db.base import Base, one_of


class Order(Base):
    """An order; price, destination and granting state stay as they were at its creation.

    `max_open_orders` is the limit that the settings had then; null: the version before placed it.
    `client_reference` and `client_metadata` are the buyer's own words; with `unique_reference` no
    other order of the buyer's that has it has the same reference.
    """

    __tablename__ = "orders"
    __table_args__ = (
        UniqueConstraint("id", "beneficiary_id"),
        CheckConstraint(one_of("status", OrderStatus), name="status"),
        CheckConstraint("number_of_credits > 0", name="number_of_credits"),
        CheckConstraint("price_btc > 0", name="price_btc"),
        CheckConstraint("btc_amount = number_of_credits * price_btc", name="btc_amount"),
        CheckConstraint("granting_status IN ('PAID', 'BTC_SENT')", name="granting_status"),
        CheckConstraint(
            "next_look_at IS NOT NULL"
            " OR status IN ('BTC_SENT', 'FAILED', 'TIMED_OUT', 'NOT_FOUND', 'CANCELLED')",
            name="open_is_due",
        ),
        CheckConstraint(
            f"look_urgency IN ({', '.join(str(int(urgency)) for urgency in Urgency)})",
            name="look_urgency",
        ),
        CheckConstraint("(lease_token IS NULL) = (lease_until IS NULL)", name="lease"),
        CheckConstraint(
            "(granted_at IS NULL) = (credits_granted IS NULL)"
            " AND (granted_at IS NULL OR granted_at >= created_at)",
            name="grant",
        ),
        CheckConstraint(one_of("rail", Rail), name="rail"),
        # In bitcoin, what came late or in excess may buy another number of credits.
        CheckConstraint(
            "credits_granted = number_of_credits"
            " OR (grant_price_btc IS NOT NULL AND credits_granted > 0)",
            name="credits_granted",
        ),
        CheckConstraint(
            "grant_price_btc IS NULL"
            " OR (grant_price_btc > 0 AND rail = 'bitcoin' AND granted_at IS NOT NULL)",
            name="grant_price_btc",
        ),
        CheckConstraint(
            "rail = 'aeonto' OR (granting_status = 'PAID' AND status <> 'BTC_SENT')",
            name="ends_at_paid",
        ),
        CheckConstraint(
            "(granted_at IS NOT NULL)"
            " = (status = 'BTC_SENT' OR (status = 'PAID' AND granting_status = 'PAID'))",
            name="granted_in_granting_state",
        ),
        CheckConstraint("(status = 'FAILED') = (failure_reason IS NOT NULL)", name="failure"),
        CheckConstraint("max_open_orders >= 0", name="max_open_orders"),
        CheckConstraint("char_length(client_reference) BETWEEN 1 AND 128", name="client_reference"),
        CheckConstraint("jsonb_typeof(client_metadata) = 'object'", name="client_metadata"),
        CheckConstraint(
            "NOT unique_reference OR client_reference IS NOT NULL", name="unique_reference"
        ),
        # Where each claim finds the first that is due of each urgency.
        Index(
            "ix_orders_due",
            "rail",
            "look_urgency",
            "next_look_at",
            "id",
            postgresql_where="next_look_at IS NOT NULL",
        ),
        Index(
            "ix_orders_to_be_created",
            "look_urgency",
            "next_look_at",
            "id",
            postgresql_where="status = 'TO_BE_CREATED' AND next_look_at IS NOT NULL",
        ),
        # Of these the limit of open unpaid orders counts.
        Index(
            "ix_orders_unpaid",
            "buyer_id",
            postgresql_where="status IN ('TO_BE_CREATED', 'UNPAID', 'UNDERPAID', 'CANCELLED')",
        ),
        Index("ix_orders_buyer_id_created_at_id", "buyer_id", "created_at", "id"),
        Index("ix_orders_beneficiary_id_created_at_id", "beneficiary_id", "created_at", "id"),
        Index("ix_orders_buyer_id_status_created_at_id", "buyer_id", "status", "created_at", "id"),
        Index(
            "ix_orders_beneficiary_id_status_created_at_id",
            *("beneficiary_id", "status", "created_at", "id"),
        ),
        Index(
            "ix_orders_buyer_id_client_reference",
            *("buyer_id", "client_reference", "created_at", "id"),
            postgresql_where="client_reference IS NOT NULL",
        ),
        Index(
            "ix_orders_beneficiary_id_client_reference",
            *("beneficiary_id", "client_reference", "created_at", "id"),
            postgresql_where="client_reference IS NOT NULL",
        ),
        Index(
            "uq_orders_buyer_id_client_reference",
            "buyer_id",
            "client_reference",
            unique=True,
            postgresql_where="unique_reference",
        ),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    buyer_id: Mapped[str] = mapped_column(ForeignKey("accounts.id"))
    beneficiary_id: Mapped[str] = mapped_column(ForeignKey("accounts.id"))
    number_of_credits: Mapped[int] = mapped_column(BigInteger)
    payment_coin: Mapped[str]
    payment_network: Mapped[str]
    rail: Mapped[str]
    price_btc: Mapped[Decimal] = mapped_column(Numeric(20, 8))
    btc_amount: Mapped[Decimal] = mapped_column(Numeric(20, 8))
    btc_dest_address: Mapped[str]
    granting_status: Mapped[str]
    status: Mapped[str]
    status_since: Mapped[datetime]
    failure_reason: Mapped[str | None]
    create_by: Mapped[datetime]
    max_open_orders: Mapped[int | None]
    next_look_at: Mapped[datetime | None]
    look_urgency: Mapped[int] = mapped_column(SmallInteger, server_default="4")
    lease_token: Mapped[str | None]
    lease_until: Mapped[datetime | None]
    sighting_status: Mapped[str | None]
    sighting_count: Mapped[int] = mapped_column(server_default="0")
    sighting_since: Mapped[datetime | None]
    failed_count: Mapped[int] = mapped_column(server_default="0")
    failed_since: Mapped[datetime | None]
    credits_granted: Mapped[int | None] = mapped_column(BigInteger)
    granted_at: Mapped[datetime | None]
    grant_price_btc: Mapped[Decimal | None] = mapped_column(Numeric(20, 8))
    client_reference: Mapped[str | None]
    unique_reference: Mapped[bool] = mapped_column(server_default="false")
    client_metadata: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
