"""`events` and `account_events`: each event once, and its number in each stream that shows it."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, FetchedValue, ForeignKey, Identity, Text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from app.events.types import EventType
from app.runtime.db.base import Base, one_of


class Event(Base):
    """Something that happened, as it was written in the transaction in which it did.

    `account_ids` are the accounts whose streams show it; `transaction_id` is PostgreSQL's, which
    numbers by it at commit.
    """

    __tablename__ = "events"
    __table_args__ = (
        CheckConstraint(one_of("type", EventType), name="type"),
        CheckConstraint("account_ids <> '{}'", name="account_ids"),
        CheckConstraint("jsonb_typeof(data) = 'object'", name="data"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    transaction_id: Mapped[int] = mapped_column(BigInteger, FetchedValue())
    account_ids: Mapped[list[str]] = mapped_column(ARRAY(Text))
    type: Mapped[str]
    at: Mapped[datetime]
    previous_status: Mapped[str | None]
    data: Mapped[dict[str, Any]]


class AccountEvent(Base):
    """An event in the stream of an account; `sequence` begins at 1 and has no gap."""

    __tablename__ = "account_events"

    account_id: Mapped[str] = mapped_column(ForeignKey("accounts.id"), primary_key=True)
    sequence: Mapped[int] = mapped_column(BigInteger, FetchedValue(), primary_key=True)
    event_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("events.id"))
    type: Mapped[str]
