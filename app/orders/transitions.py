"""Saving a transition of an order: its rows, its events, its grant.

The one place where credits are granted: every caller holds the row of the order.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from sqlalchemy.ext.asyncio import AsyncSession

from app.ledger import service
from app.ledger.actors import Actor
from app.ledger.rules import EntryKind
from app.orders import events
from app.orders.models import BitcoinOutput, Order, Payment
from app.orders.models.order_events import OrderEventKind
from app.orders.rows import OrderRows, write
from app.orders.rules.states import OrderStatus
from app.orders.rules.transition import Grant, Transition


@dataclass(frozen=True)
class ApplyResult:
    """What became of an observation, for logs and metrics.

    `alarm` is one that was not raised before; `lease_lost`: nothing was done. `unseen_for` is the
    time from the last look with the old status to the first with the new.
    """

    moved_to: OrderStatus | None = None
    granted: int = 0
    refused: str | None = None
    alarm: str | None = None
    lease_lost: bool = False
    unseen_for: timedelta | None = None


class Journal(Protocol):
    """Where rows, events and credits of orders are written: PostgreSQL, or a simulated day."""

    async def write_rows(self, new: Sequence[Payment | BitcoinOutput]) -> None:
        """Write the rows of an order as they are now, and those that are new."""
        ...

    async def moved(
        self, order: Order, from_status: OrderStatus, change: Transition, now: datetime
    ) -> None:
        """Write that an order has moved to the status that it has now."""
        ...

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
        """Write a refusal or an alarm, once between two moves; say whether it was new."""
        ...

    async def granted(self, order: Order, grant: Grant, actor: Actor, now: datetime) -> None:
        """Post the credits of an order to its beneficiary."""
        ...


async def save(
    journal: Journal, rows: OrderRows, change: Transition, *, actor: Actor, now: datetime
) -> ApplyResult:
    """Save a transition; return what became of it.

    Raises ValueError for a move that the table of moves does not have.
    """
    order, status = rows.order, OrderStatus(rows.order.status)

    async def note(kind: OrderEventKind, reason: str) -> bool:
        return await journal.noted(
            order,
            kind,
            reason,
            status=status,
            reported=change.reported,
            evidence=change.evidence,
            now=now,
        )

    await journal.write_rows(write(rows, change, now))
    if change.move_to is not None:
        await journal.moved(order, status, change, now)
    if change.grant is not None:
        await journal.granted(order, change.grant, actor, now)
    if change.refused is not None:
        await note(OrderEventKind.REFUSED, change.refused)
    alarm = change.alarm
    if alarm is not None and not await note(OrderEventKind.ALARM, alarm):
        alarm = None  # it was raised before
    return ApplyResult(
        change.move_to,
        change.grant.credits if change.grant else 0,
        change.refused,
        alarm,
        unseen_for=change.unseen_for,
    )


class SqlJournal:
    """PostgreSQL, in the transaction of a session."""

    def __init__(self, session: AsyncSession) -> None:
        """Write in the caller's transaction."""
        self._session = session

    async def write_rows(self, new: Sequence[Payment | BitcoinOutput]) -> None:
        self._session.add_all(new)
        await self._session.flush()

    async def moved(
        self, order: Order, from_status: OrderStatus, change: Transition, now: datetime
    ) -> None:
        await events.moved(
            self._session,
            order.id,
            from_status=from_status,
            to_status=order.status,
            at=now,
            reason=change.reason,
            evidence=change.evidence,
        )

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
        return await events.noted(
            self._session,
            order.id,
            kind=kind,
            status=status,
            reported=reported,
            at=now,
            reason=reason,
            evidence=evidence,
        )

    async def granted(self, order: Order, grant: Grant, actor: Actor, now: datetime) -> None:
        await service.post(
            self._session,
            account_id=order.beneficiary_id,
            kind=EntryKind.PURCHASE,
            amount=grant.credits,
            order_id=order.id,
            actor=actor,
            at=now,
        )
