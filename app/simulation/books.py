"""Everything that is kept of the orders of a day, in one shape: what the checks after a run read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from app.orders.rows import OrderRows
from app.partners.esplora.outputs import OutputId


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
    """Everything that must be right after a run: events and entries in the order of their writing.

    `settlements` has the output that settled each order.
    """

    orders: Sequence[OrderRows] = ()
    events: Sequence[KeptEvent] = ()
    entries: Sequence[KeptEntry] = ()
    balances: Mapping[str, int] = field(default_factory=dict)
    settlements: Mapping[str, OutputId] = field(default_factory=dict)
