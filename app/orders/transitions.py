"""Carrying out what was observed of an order: its rows, its events, its grant.

The one place where credits are granted: every caller holds the row of the order.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from sqlalchemy.ext.asyncio import AsyncSession

from app.ledger import service
from app.ledger.actors import Actor
from app.ledger.rules import EntryKind
from app.orders import events, settlements
from app.orders.events import EventRecord
from app.orders.models import BitcoinOutput, Order, Payment
from app.orders.models.order_events import OrderEventKind
from app.orders.publish import publish_change, shown_of
from app.orders.rows import OrderRows, write
from app.orders.rules.bitcoin_payments import Valuation
from app.orders.rules.dispatch import transition
from app.orders.rules.facts import AeontoObservation, Observation, OrderFacts
from app.orders.rules.settlement import Verified
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

    async def take_output(self, order: Order, verified: Verified, now: datetime) -> bool:
        """Take the best output that settles no other order; say whether one was free."""
        ...

    async def write_event(self, event: EventRecord) -> bool:
        """Write a move; or a refusal or an alarm, once between two moves. Say whether it was new."""
        ...

    async def publish_change(
        self, order: Order, previous_status: str, *, credited: bool, now: datetime
    ) -> None:
        """Tell the streams of its accounts of an order that changed, and of its credits."""
        ...

    async def post_grant(self, order: Order, grant: Grant, actor: Actor, now: datetime) -> None:
        """Post the credits of an order to its beneficiary."""
        ...


async def carry_out(
    journal: Journal,
    rows: OrderRows,
    facts: OrderFacts,
    observation: Observation,
    *,
    actor: Actor,
    now: datetime,
) -> ApplyResult:
    """Save what follows from an observation; return what became of it.

    Where a transaction settles the order and none of its outputs is free, the order is not settled.
    """
    change = transition(facts, observation, now)
    if (
        isinstance(observation, AeontoObservation)
        and change.settlement is not None
        and not await journal.take_output(rows.order, change.settlement, now)
    ):
        change = transition(facts, observation.unsettled(), now)
    return await save(journal, rows, change, actor=actor, now=now)


async def save(
    journal: Journal, rows: OrderRows, change: Transition, *, actor: Actor, now: datetime
) -> ApplyResult:
    """Save a transition; return what became of it.

    Raises ValueError for a move that the table of moves does not have.
    """
    order, status, shown = rows.order, rows.order.status, shown_of(rows)

    async def write_event(kind: OrderEventKind, to_status: str, reason: str) -> bool:
        return await journal.write_event(
            EventRecord(order.id, kind, status, to_status, now, reason, change.evidence)
        )

    await journal.write_rows(write(rows, change, now))
    if change.move_to is not None:
        await write_event(OrderEventKind.MOVED, change.move_to, change.reason)
    if change.move_to is not None or shown_of(rows) != shown:
        await journal.publish_change(order, status, credited=change.grant is not None, now=now)
    if change.grant is not None:
        await journal.post_grant(order, change.grant, actor, now)
    if change.refused is not None:
        await write_event(OrderEventKind.REFUSED, change.reported, change.refused)
    alarm = change.alarm
    if alarm and not await write_event(OrderEventKind.ALARM, change.reported, alarm):
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

    def __init__(self, session: AsyncSession, valuation: Valuation) -> None:
        """Write in the caller's transaction; `valuation` says what money buys today."""
        self._session = session
        self._valuation = valuation

    async def write_rows(self, new: Sequence[Payment | BitcoinOutput]) -> None:
        self._session.add_all(new)
        await self._session.flush()

    async def take_output(self, order: Order, verified: Verified, now: datetime) -> bool:
        return await settlements.take(self._session, order.id, verified, now) is not None

    async def write_event(self, event: EventRecord) -> bool:
        return await events.write(self._session, event)

    async def publish_change(
        self, order: Order, previous_status: str, *, credited: bool, now: datetime
    ) -> None:
        await publish_change(
            self._session,
            order,
            previous_status=previous_status,
            credited=credited,
            valuation=self._valuation,
            now=now,
        )

    async def post_grant(self, order: Order, grant: Grant, actor: Actor, now: datetime) -> None:
        await service.post(
            self._session,
            account_id=order.beneficiary_id,
            kind=EntryKind.PURCHASE,
            amount=grant.credits,
            order_id=order.id,
            actor=actor,
            at=now,
        )
