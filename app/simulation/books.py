"""What a keeper of orders holds, in one shape: what the checks after a run read."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from app.domain.reports import Sighting
from app.domain.schedule import Urgency
from app.domain.states import OrderStatus


@dataclass(slots=True)
class KeptPayment:
    """What AEON.to said of an order; `said` by the names of the columns of `payments`."""

    uuid: str
    seen_at: datetime
    said: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True, kw_only=True)
class KeptOrder:
    """An order as the table `orders` has it, and its payment."""

    id: str
    account_id: str
    number_of_credits: int
    btc_amount: Decimal
    btc_dest_address: str
    granting_status: OrderStatus
    create_by: datetime
    created_at: datetime
    status: OrderStatus
    status_since: datetime
    next_look_at: datetime | None
    look_urgency: Urgency
    failure_reason: str | None = None
    lease_token: str | None = None
    lease_until: datetime | None = None
    sighting: Sighting | None = None
    credits_granted: int | None = None
    granted_at: datetime | None = None
    payment: KeptPayment | None = None


@dataclass(frozen=True, slots=True)
class KeptEvent:
    """A move, a refused report or an alarm, as the table `order_events` has it."""

    order_id: str
    kind: str
    from_status: str | None
    to_status: str
    at: datetime
    reason: str
    evidence: dict[str, Any] | None


@dataclass(frozen=True, slots=True)
class KeptEntry:
    """One movement of credits, as the table `ledger_entries` has it."""

    account_id: str
    order_id: str | None
    kind: str
    amount: int
    balance_after: int


@dataclass(frozen=True)
class Books:
    """Everything that must be right after a run: events and entries in the order of their writing."""

    orders: Sequence[KeptOrder]
    events: Sequence[KeptEvent]
    entries: Sequence[KeptEntry]
    balances: dict[str, int]
