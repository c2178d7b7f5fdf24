"""Everything that is kept of the orders of a day, in one shape: what the checks after a run read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from app.orders.events import EventRecord
from app.orders.rows import OrderRows
from app.partners.esplora.outputs import OutputId


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
    events: Sequence[EventRecord] = ()
    entries: Sequence[KeptEntry] = ()
    balances: Mapping[str, int] = field(default_factory=dict)
    settlements: Mapping[str, OutputId] = field(default_factory=dict)
