"""How many unpaid orders a buyer may have open at once: the limit, and its exception for one account."""

from collections.abc import Sequence
from datetime import datetime
from math import ceil
from typing import Final

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.domain.actors import Actor
from app.domain.errors import TooManyOpenOrders
from app.domain.states import OPEN_UNPAID
from app.models import Account, Order, Payment
from app.services import audit_log

# An order that is past its time is given up at the next look, not at the second.
_SOONEST_SECONDS: Final = 10


async def refuse_too_many(
    session: AsyncSession, buyer_id: str, max_open_orders: int, now: datetime
) -> None:
    """Hold the buyer's account until the caller's transaction ends, and refuse one order too many.

    `max_open_orders`: of an account without a limit of its own; 0 is none. The lock lets the count
    be exact. It is weaker than FOR UPDATE, so that foreign keys to the account wait for nobody.
    Raises TooManyOpenOrders.
    """
    own: int | None = await session.scalar(
        select(Account.max_open_orders)
        .where(Account.id == buyer_id)
        .with_for_update(key_share=True)
    )
    limit = max_open_orders if own is None else own
    if limit == 0:
        return
    ends = await _ends_of_unpaid(session, buyer_id)
    if len(ends) >= limit:
        frees_at = ends[len(ends) - limit]
        wait = ceil((frees_at - now).total_seconds())
        raise TooManyOpenOrders(limit, wait=max(_SOONEST_SECONDS, wait))


async def set_limit(
    session: AsyncSession, account_id: str, limit: int | None, *, actor: Actor, now: datetime
) -> None:
    """Give an account a limit of its own; None: the one of the settings again."""
    async with session.begin():
        await session.execute(
            update(Account).where(Account.id == account_id).values(max_open_orders=limit)
        )
        told = "default" if limit is None else limit
        await audit_log.record(
            session,
            actor=actor,
            action=f"account.max_open_orders.{told}",
            subject=account_id,
            at=now,
        )


async def _ends_of_unpaid(session: AsyncSession, buyer_id: str) -> Sequence[datetime]:
    """Return when each open unpaid order of a buyer times out, the first before the last."""
    end = func.coalesce(Payment.expires_at, Order.create_by)
    found = await session.scalars(
        select(end)
        .select_from(Order)
        .outerjoin(Payment, Payment.order_id == Order.id)
        .where(Order.buyer_id == buyer_id, Order.status.in_(OPEN_UNPAID))
        .order_by(end)
    )
    return found.all()
