"""What a keeper of orders holds, in one shape: what the checks after a run read."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from app.orders.rules.failures import Failures
from app.orders.rules.poll_schedule import Urgency
from app.orders.rules.rails import Rail
from app.orders.rules.reports import OrderFacts, Sighting
from app.orders.rules.states import OrderStatus
from app.partners.esplora.outputs import OutputId


@dataclass(slots=True)
class KeptOutput:
    """One output that pays the address of an order, as the table `bitcoin_outputs` has it."""

    value_btc: Decimal
    confirmations: int
    replaceable: bool
    arrived_at: datetime
    gone_at: datetime | None = None
    is_coinbase: bool = False
    before_order: bool = False
    block_height: int | None = None


@dataclass(slots=True)
class KeptPayment:
    """What is known of the payment of an order; `said` by the names of the columns of `payments`.

    `uuid` is AEON.to's, None on the bitcoin rail, where there are `outputs`.
    """

    uuid: str | None
    seen_at: datetime
    said: dict[str, Any] = field(default_factory=dict)
    outputs: dict[OutputId, KeptOutput] = field(default_factory=dict)


@dataclass(slots=True, kw_only=True)
class KeptOrder:
    """An order as the table `orders` has it, and its payment.

    `settled_by` is the transaction id and output, as the table `settlements` has them.
    """

    id: str
    account_id: str
    number_of_credits: int
    rail: Rail
    price_btc: Decimal
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
    failures: Failures | None = None
    credits_granted: int | None = None
    grant_price_btc: Decimal | None = None
    granted_at: datetime | None = None
    payment: KeptPayment | None = None
    settled_by: tuple[str, int] | None = None

    @property
    def claimed_at(self) -> datetime | None:
        """When AEON.to first said of it what the chain did not bear out."""
        return self.payment.said.get("settlement_claimed_at") if self.payment else None


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


def facts_of(order: KeptOrder, uuid: str | None) -> OrderFacts:
    """Return what a report is held against; `uuid` is AEON.to's name for the order."""
    return OrderFacts(
        rail=order.rail,
        status=order.status,
        granting_status=order.granting_status,
        granted=order.granted_at is not None,
        uuid=uuid,
        btc_amount=order.btc_amount,
        btc_dest_address=order.btc_dest_address,
        sighting=order.sighting,
        claimed_at=order.claimed_at,
    )
