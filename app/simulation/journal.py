"""Events, credits and balances in memory: the journal that transitions are saved in."""

from collections.abc import Callable, Sequence
from datetime import datetime

from app.ledger.actors import Actor
from app.ledger.rules import EntryKind
from app.orders.events import EventRecord
from app.orders.models import BitcoinOutput, Order, Payment
from app.orders.models.order_events import OrderEventKind
from app.orders.rules.settlement import Verified
from app.orders.rules.transition import Grant
from app.partners.esplora.outputs import OutputId
from app.simulation.books import KeptEntry


class MemoryJournal:
    """What the tables `order_events`, `ledger_entries` and `accounts` are in PostgreSQL.

    `events` and `entries` are in the order of their writing, `uuids` those of AEON.to, `settled` has
    the order that each output settled.
    """

    def __init__(self, notice: Callable[[str], None]) -> None:
        """Begin empty; `notice` is told of every event and every entry."""
        self.events: list[EventRecord] = []
        self.entries: list[KeptEntry] = []
        self.balances: dict[str, int] = {}
        self.uuids: set[str | None] = set()
        self.settled: dict[OutputId, str] = {}
        self._outputs: dict[OutputId, BitcoinOutput] = {}
        self._notice = notice
        self._notes: dict[str, set[tuple[str, str, str]]] = {}

    async def write_rows(self, new: Sequence[Payment | BitcoinOutput]) -> None:
        for row in new:
            if isinstance(row, Payment):
                self.uuids.add(row.uuid)
            else:
                self._outputs[row.txid, row.output_index] = row

    async def take_output(self, order: Order, verified: Verified, _now: datetime) -> bool:
        for output_id in ((verified.txid, index) for index in verified.outputs):
            paying = self._outputs.get(output_id)
            if output_id not in self.settled and (paying is None or paying.before_order):
                self.settled[output_id] = order.id
                return True
        return False

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

    async def publish_change(
        self, order: Order, previous_status: str, *, credited: bool, now: datetime
    ) -> None:
        """Tell nobody: in simulated days there are no streams."""

    async def post_grant(self, order: Order, grant: Grant, _actor: Actor, _now: datetime) -> None:
        account_id, amount = order.beneficiary_id, grant.credits
        balance = self.balances[account_id] = self.balances[account_id] + amount
        self.entries.append(KeptEntry(account_id, order.id, EntryKind.PURCHASE, amount, balance))
        self._notice(f"grant {order.id} {balance}")
