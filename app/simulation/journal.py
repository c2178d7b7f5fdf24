"""The events of orders in memory: every move, and what is noted once between two of them."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from app.orders.models.order_events import OrderEventKind
from app.orders.rules.states import OrderStatus
from app.simulation.books import KeptEvent, KeptOrder


class Journal:
    """What the table `order_events` is in the real store; `events` in the order of writing."""

    def __init__(self, notice: Callable[[str], None]) -> None:
        """Begin empty; `notice` is told of every event."""
        self.events: list[KeptEvent] = []
        self._notice = notice
        self._notes: dict[str, set[tuple[str, str, str]]] = {}

    def moved(
        self,
        order: KeptOrder,
        from_status: OrderStatus | None,
        to_status: OrderStatus,
        now: datetime,
        *,
        reason: str,
        evidence: dict[str, Any] | None,
    ) -> None:
        """Write that an order moved."""
        self._notes.pop(order.id, None)
        event = KeptEvent(
            order.id, OrderEventKind.MOVED, from_status, to_status, now, reason, evidence
        )
        self.events.append(event)
        self._notice(f"{now} {order.id} {from_status} {to_status} {reason}")

    def noted(
        self,
        order_id: str,
        kind: OrderEventKind,
        reason: str,
        *,
        status: OrderStatus,
        reported: str,
        now: datetime,
        evidence: dict[str, Any] | None,
    ) -> bool:
        """Write a refused report or an alarm, once between two moves; say whether it was new."""
        known = self._notes.setdefault(order_id, set())
        if (kind, reason, reported) in known:
            return False
        known.add((kind, reason, reported))
        self.events.append(KeptEvent(order_id, kind, status, reported, now, reason, evidence))
        self._notice(f"{now} {order_id} {kind} {reason} {reported}")
        return True
