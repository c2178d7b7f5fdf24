"""Applying what was observed of an order: load its rows under the lease, and carry out."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, and_, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from app.ledger.actors import WORKER, Actor
from app.orders import settlements
from app.orders.leases import CreationTask, PollTask, locked_under_lease
from app.orders.models import BitcoinAddress, BitcoinOutput, Order, Payment
from app.orders.rows import OrderRows, aeonto_facts, bitcoin_facts, order_facts
from app.orders.rules.bitcoin_payments import Valuation
from app.orders.rules.facts import (
    AeontoObservation,
    AeontoOrder,
    BitcoinObservation,
    BitcoinOrder,
    Observation,
    OrderFacts,
)
from app.orders.rules.own_moves import failure
from app.orders.rules.states import OrderStatus
from app.orders.rules.transition import OrderFailureReason
from app.orders.transitions import ApplyResult, SqlJournal, carry_out, save
from app.partners.aeonto.report import Report
from app.partners.esplora.outputs import ReceivedOutput
from app.runtime import leases


async def apply(
    session: AsyncSession,
    job: CreationTask | PollTask,
    observation: Observation,
    valuation: Valuation,
    now: datetime,
) -> ApplyResult:
    """Do what an observation means: move, grant, refuse, remember; then say when to look next.

    `valuation` says what bitcoin buys today.
    """
    async with session.begin():
        order = await locked_under_lease(session, job.order_id, job.lease_token)
        if order is None:
            return ApplyResult(lease_lost=True)
        rows = OrderRows(order)
        facts = await _load(session, rows, observation, valuation)
        actor = Actor(WORKER, job.lease_token)
        return await carry_out(
            SqlJournal(session, valuation), rows, facts, observation, actor=actor, now=now
        )


async def _load(
    session: AsyncSession, rows: OrderRows, observation: Observation, valuation: Valuation
) -> OrderFacts:
    """Read what the rule of an observation needs, and no more: any of it may be unreadable."""
    match observation:
        case AeontoObservation(report):
            return await _load_aeonto(session, rows, report)
        case BitcoinObservation(arrivals):
            return await _load_bitcoin(session, rows, arrivals, valuation)
        case _:
            return order_facts(rows.order)


async def _load_aeonto(session: AsyncSession, rows: OrderRows, report: Report) -> AeontoOrder:
    rows.payment = await session.get(Payment, rows.order.id)
    taken = None
    if rows.payment is None and report.uuid:
        taken = await session.scalar(select(Payment.order_id).where(Payment.uuid == report.uuid))
    return aeonto_facts(rows, uuid_is_taken=taken is not None)


async def _load_bitcoin(
    session: AsyncSession,
    rows: OrderRows,
    arrivals: Sequence[ReceivedOutput],
    valuation: Valuation,
) -> BitcoinOrder:
    order_id = rows.order.id
    rows.payment = await session.get(Payment, order_id)
    outputs = await session.scalars(select(BitcoinOutput).where(BitcoinOutput.order_id == order_id))
    rows.outputs = {(output.txid, output.output_index): output for output in outputs}
    known_height = None
    if arrivals:
        known_height = await session.scalar(
            select(BitcoinAddress.known_height).where(BitcoinAddress.order_id == order_id)
        )
    new = [arrival.id for arrival in arrivals if arrival.id not in rows.outputs]
    return bitcoin_facts(
        rows,
        settled=await settlements.taken_of(session, new),
        known_height=known_height,
        valuation=valuation,
    )


def _overdue(now: datetime) -> ColumnElement[bool]:
    """Find what AEON.to has not accepted by its deadline, and nobody is asking about now."""
    known = select(Payment.order_id).where(Payment.order_id == Order.id).exists()
    return and_(
        Order.status == OrderStatus.TO_BE_CREATED,
        Order.create_by <= now,
        Order.next_look_at <= now,  # the index that finds them; a waiting order is due soon
        leases.is_free(Order.lease_until),
        ~known,
    )


async def overdue(connection: AsyncConnection, now: datetime) -> Sequence[str]:
    """Return some orders that AEON.to did not accept by their deadline."""
    found = await connection.scalars(select(Order.id).where(_overdue(now)).limit(100))
    return found.all()


async def fail_overdue(
    session: AsyncSession, order_id: str, valuation: Valuation, now: datetime
) -> ApplyResult:
    """End an order whose deadline has passed, unless somebody works on it meanwhile."""
    async with session.begin():
        order = await session.scalar(
            select(Order)
            .where(Order.id == order_id, _overdue(now))
            .with_for_update(skip_locked=True)
        )
        if order is None:
            return ApplyResult(lease_lost=True)
        change = failure(order_facts(order), OrderFailureReason.DEADLINE)
        actor = Actor(WORKER, "deadline")
        return await save(
            SqlJournal(session, valuation), OrderRows(order), change, actor=actor, now=now
        )
