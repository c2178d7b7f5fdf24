"""What an operator decides about an order that AEON.to no longer answers for."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.ledger import audit_log
from app.ledger.actors import Actor
from app.orders.errors import InvalidOrderId, OrderNotSettled
from app.orders.models import Order, Payment
from app.orders.rows import OrderRows, order_facts
from app.orders.rules.bitcoin_payments import Valuation
from app.orders.rules.own_moves import resolution
from app.orders.rules.rails import Rail
from app.orders.rules.states import OrderStatus
from app.orders.transitions import SqlJournal, save


async def resolve(
    session: AsyncSession,
    order_id: str,
    *,
    grant: bool,
    reason: str,
    actor: Actor,
    valuation: Valuation,
    now: datetime,
) -> OrderStatus:
    """Let an operator end an order that AEON.to no longer answers for; return its new status.

    `grant` moves it into its granting state, with its credits, or to BTC_SENT when it has them
    already; otherwise it is closed. One in bitcoin ends with its grant. Raises InvalidOrderId, and
    OrderNotSettled when its state leaves no such move.
    """
    async with session.begin():
        order = await session.scalar(select(Order).where(Order.id == order_id).with_for_update())
        if order is None:
            raise InvalidOrderId
        facts = order_facts(order)
        known = await session.scalar(select(Payment.order_id).where(Payment.order_id == order_id))
        in_bitcoin = facts.rail is Rail.BITCOIN
        # An earlier version gave its address to another order, and it is never looked at for this one.
        given_up = in_bitcoin and order.next_look_at is None
        change = resolution(
            facts,
            grant=grant,
            reason=reason,
            settled_by=actor.name,
            watched=not given_up,
            now=now,
        )
        ended = facts.granted and (not grant or in_bitcoin)
        if change is None or ended or (grant and (known is None or given_up)):
            raise OrderNotSettled(facts.status)
        action = "order.settle_grant" if grant else "order.settle_close"
        await audit_log.record(session, actor=actor, action=action, subject=order_id, at=now)
        await save(SqlJournal(session, valuation), OrderRows(order), change, actor=actor, now=now)
        return OrderStatus(order.status)
