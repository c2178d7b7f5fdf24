"""Carrying out in memory what was decided about an order, whichever rail it is paid on.

It stands for `order_decisions`, `order_moves` and the ledger of the real store: moves, grants,
events, and when an order is looked at next.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from app.ledger.rules import EntryKind
from app.orders.apply import ApplyResult, Observation
from app.orders.apply_reports import OrderFailureReason
from app.orders.cancel import CANCELLED_BY_BUYER
from app.orders.models.order_events import OrderEventKind
from app.orders.rules.poll_schedule import NextLook, next_look
from app.orders.rules.rails import Rail
from app.orders.rules.reports import Decision
from app.orders.rules.states import MOVES, Move, OrderStatus
from app.orders.transitions import Grant
from app.simulation.books import KeptEntry, KeptOrder
from app.simulation.calendar import Work
from app.simulation.due import DueOrders
from app.simulation.journal import Journal

Notice = Callable[[str], None]


class Keeping:
    """The events, the credits, and the orders that wait for their turn."""

    def __init__(self, notice: Notice, changed: Callable[[Work], None]) -> None:
        """Begin empty.

        `notice` is told of every event and every entry; `changed`, when an order waits anew.
        """
        self._notice = notice
        self.journal = Journal(notice)
        self.entries: list[KeptEntry] = []
        self.balances: dict[str, int] = {}
        self.creations = DueOrders(partial(changed, Work.CREATIONS))
        self.looks = {
            Rail.AEONTO: DueOrders(partial(changed, Work.LOOKS)),
            Rail.BITCOIN: DueOrders(lambda: None),  # its loops wait for nothing
        }

    def carry_out(
        self,
        order: KeptOrder,
        decision: Decision,
        seen: Observation,
        *,
        grant: Grant,
        unseen_for: timedelta | None,
        now: datetime,
    ) -> ApplyResult:
        """Move, grant, note, ring; then say when to look next. `grant` is what is due if any is."""
        order.sighting = decision.sighting
        order.failures = None
        note = partial(
            self.journal.noted,
            order.id,
            status=order.status,
            reported=seen.reported,
            now=now,
            evidence=seen.evidence,
        )
        granted = 0
        if decision.move_to is not None:
            granted = self.move(
                order,
                decision.move_to,
                now,
                reason="reported",
                evidence=seen.evidence,
                grant=grant if decision.grant else None,
            )
        if decision.refused is not None:
            note(OrderEventKind.REFUSED, decision.refused)
        alarm = decision.alarm
        if alarm is not None and not note(OrderEventKind.ALARM, alarm):
            alarm = None  # it rang before
        look = next_look(
            order.status,
            rail=order.rail,
            since=order.status_since,
            expires_at=seen.expires_at,
            unsettled=decision.unsettled,
            now=now,
        )
        self.reschedule(order, look)
        return ApplyResult(
            decision.move_to,
            granted,
            decision.refused,
            alarm,
            unseen_for=unseen_for if decision.move_to else None,
        )

    def move(
        self,
        order: KeptOrder,
        to_status: OrderStatus,
        now: datetime,
        *,
        reason: str,
        evidence: dict[str, Any] | None,
        grant: Grant | None,
    ) -> int:
        """Move an order, with its event and, if due, its grant; return the credits granted."""
        if MOVES[order.status, to_status] in (Move.ILLEGAL, Move.STAY):
            raise ValueError(f"order {order.id} may not move from {order.status} to {to_status}")
        from_status, order.status, order.status_since = order.status, to_status, now
        if grant is not None:
            order.credits_granted = grant.credits
            order.grant_price_btc = grant.price_btc
            order.granted_at = max(now, order.created_at)
        self.journal.moved(order, from_status, to_status, now, reason=reason, evidence=evidence)
        if grant is None:
            return 0
        balance = self.balances[order.account_id] + grant.credits
        self.balances[order.account_id] = balance
        self.entries.append(
            KeptEntry(order.account_id, order.id, EntryKind.PURCHASE, grant.credits, balance)
        )
        self._notice(f"grant {order.id} {balance}")
        return grant.credits

    def fail(self, order: KeptOrder, why: OrderFailureReason, now: datetime) -> ApplyResult:
        """End an order without its credits."""
        order.failure_reason = why
        self.reschedule(order, None)
        self.move(order, OrderStatus.FAILED, now, reason=why, evidence=None, grant=None)
        return ApplyResult(moved_to=OrderStatus.FAILED)

    def cancel(self, order: KeptOrder, now: datetime, *, held: bool) -> None:
        """Cancel an order; whoever holds its lease keeps it."""
        self.move(
            order,
            OrderStatus.CANCELLED,
            now,
            reason=CANCELLED_BY_BUYER,
            evidence={"cancelled_by": order.account_id},
            grant=None,
        )
        order.sighting = None
        look = None
        if order.payment is not None:
            look = next_look(order.status, rail=order.rail, since=now, expires_at=None, now=now)
        order.next_look_at = look.at if look else None
        if look:
            order.look_urgency = look.urgency
        if order.payment is not None and not held:
            self.looks[order.rail].wait(order)

    def reschedule(self, order: KeptOrder, look: NextLook | None) -> None:
        """Say when an order is due, and give its lease back."""
        order.next_look_at = look.at if look else None
        if look:
            order.look_urgency = look.urgency
        order.lease_token = order.lease_until = None
        if order.payment is None:
            self.creations.wait(order)
        else:
            self.creations.forget(order)
            self.looks[order.rail].wait(order)
