"""Events, credits and balances in memory: the journal that transitions are saved in."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from app.ledger.actors import Actor
from app.ledger.rules import EntryKind
from app.orders.models import BitcoinOutput, Order, Payment
from app.orders.models.order_events import OrderEventKind
from app.orders.rules.states import OrderStatus
from app.orders.rules.transition import Grant, Transition
from app.simulation.books import KeptEntry, KeptEvent


class MemoryJournal:
    """What the tables `order_events`, `ledger_entries` and `accounts` are in PostgreSQL.

    `events` and `entries` are in the order of their writing.
    """

    def __init__(self, notice: Callable[[str], None]) -> None:
        """Begin empty; `notice` is told of every event and every entry."""
        self.events: list[KeptEvent] = []
        self.entries: list[KeptEntry] = []
        self.balances: dict[str, int] = {}
        self.uuids: set[str | None] = set()
        self._notice = notice
        self._notes: dict[str, set[tuple[str, str, str]]] = {}

    async def write_rows(self, new: Sequence[Payment | BitcoinOutput]) -> None:
        self.uuids |= {row.uuid for row in new if isinstance(row, Payment)}

    def begun(self, order: Order, now: datetime) -> None:
        """Write that an order was placed."""
        self._move(order, None, "ordered", None, now)

    async def moved(
        self, order: Order, from_status: OrderStatus, change: Transition, now: datetime
    ) -> None:
        self._move(order, from_status, change.reason, change.evidence, now)

    def _move(
        self,
        order: Order,
        before: OrderStatus | None,
        reason: str,
        evidence: dict[str, Any] | None,
        now: datetime,
    ) -> None:
        self._notes.pop(order.id, None)
        kind, status = OrderEventKind.MOVED, order.status
        self.events.append(KeptEvent(order.id, kind, before, status, now, reason, evidence))
        self._notice(f"{now} {order.id} {before} {status} {reason}")

    async def noted(
        self,
        order: Order,
        kind: OrderEventKind,
        reason: str,
        *,
        status: OrderStatus,
        reported: str,
        evidence: dict[str, Any] | None,
        now: datetime,
    ) -> bool:
        known = self._notes.setdefault(order.id, set())
        if (kind, reason, reported) in known:
            return False
        known.add((kind, reason, reported))
        self.events.append(KeptEvent(order.id, kind, status, reported, now, reason, evidence))
        self._notice(f"{now} {order.id} {kind} {reason} {reported}")
        return True

    async def granted(self, order: Order, grant: Grant, _actor: Actor, _now: datetime) -> None:
        account_id, amount = order.beneficiary_id, grant.credits
        balance = self.balances[account_id] = self.balances[account_id] + amount
        self.entries.append(KeptEntry(account_id, order.id, EntryKind.PURCHASE, amount, balance))
        self._notice(f"grant {order.id} {balance}")
