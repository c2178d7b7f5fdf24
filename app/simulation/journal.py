"""Events, credits and balances in memory: the journal that transitions are saved in."""

from collections.abc import Callable, Sequence
from datetime import datetime

from app.ledger.actors import Actor
from app.ledger.rules import EntryKind
from app.orders.events import EventRecord
from app.orders.models import BitcoinOutput, Order, Payment
from app.orders.models.order_events import OrderEventKind
from app.orders.rules.transition import Grant
from app.simulation.books import KeptEntry


class MemoryJournal:
    """What the tables `order_events`, `ledger_entries` and `accounts` are in PostgreSQL.

    `events` and `entries` are in the order of their writing.
    """

    def __init__(self, notice: Callable[[str], None]) -> None:
        """Begin empty; `notice` is told of every event and every entry."""
        self.events: list[EventRecord] = []
        self.entries: list[KeptEntry] = []
        self.balances: dict[str, int] = {}
        self.uuids: set[str | None] = set()
        self._notice = notice
        self._notes: dict[str, set[tuple[str, str, str]]] = {}

    async def write_rows(self, new: Sequence[Payment | BitcoinOutput]) -> None:
        self.uuids |= {row.uuid for row in new if isinstance(row, Payment)}

    async def write_event(self, event: EventRecord) -> bool:
        notes = self._notes.setdefault(event.order_id, set())
        note = (event.kind, event.reason, event.to_status)
        if event.kind == OrderEventKind.MOVED:
            notes.clear()
        elif note in notes:
            return False
        else:
            notes.add(note)
        self.events.append(event)
        self._notice(
            f"{event.at} {event.order_id} {event.kind} {event.from_status} {event.to_status}"
            f" {event.reason}"
        )
        return True

    async def post_grant(self, order: Order, grant: Grant, _actor: Actor, _now: datetime) -> None:
        account_id, amount = order.beneficiary_id, grant.credits
        balance = self.balances[account_id] = self.balances[account_id] + amount
        self.entries.append(KeptEntry(account_id, order.id, EntryKind.PURCHASE, amount, balance))
        self._notice(f"grant {order.id} {balance}")
