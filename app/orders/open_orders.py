"""How many unpaid orders a buyer may have open at once: the limit, and its exception for one account.

An access code shares the limit of the user who issued it, unless it has one of its own: otherwise
new codes would be new limits. `limit_open_orders` of the database counts in the same way.
"""

from datetime import datetime
from math import ceil
from typing import Final

from sqlalchemy import Text, bindparam, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from app.accounts.models import AccessCode
from app.ledger import audit_log
from app.ledger.actors import Actor
from app.ledger.models import Account
from app.orders.errors import TooManyOpenOrders
from app.orders.models import Order, Payment
from app.orders.rules.rails import Rail
from app.orders.rules.states import OPEN_UNPAID, OrderStatus

_CODE_ACCOUNT: Final = aliased(Account)
# The access codes without a limit of their own.
_SHARING: Final = select(AccessCode).join(
    _CODE_ACCOUNT,
    (_CODE_ACCOUNT.id == AccessCode.account_id) & _CODE_ACCOUNT.max_open_orders.is_(None),
)
_BUYER: Final = bindparam("buyer_id", type_=Text())
_ISSUER: Final = (
    _SHARING.with_only_columns(AccessCode.issuer_id)
    .where(AccessCode.account_id == _BUYER)
    .scalar_subquery()
)
# The lock lets the count be exact. It is weaker than FOR UPDATE, so that foreign keys to the
# account wait for nobody.
_LIMITED_ACCOUNT: Final = (
    select(Account.id, Account.max_open_orders)
    .where(Account.id == func.coalesce(_ISSUER, _BUYER))
    .with_for_update(key_share=True)
)
_LIMITED: Final = bindparam("limited_id", type_=Text())
_SHARERS: Final = select(_LIMITED).union_all(
    _SHARING.with_only_columns(AccessCode.account_id).where(AccessCode.issuer_id == _LIMITED)
)
_END: Final = func.coalesce(Payment.expires_at, Order.create_by)
# A cancelled order in bitcoin counts on: its address is taken, and may be paid until the end.
_ENDS: Final = (
    select(_END)
    .select_from(Order)
    .outerjoin(Payment, Payment.order_id == Order.id)
    .where(
        Order.buyer_id.in_(_SHARERS),
        Order.status.in_([*OPEN_UNPAID, OrderStatus.CANCELLED]),
        or_(Order.status != OrderStatus.CANCELLED, Order.rail == Rail.BITCOIN),
        bindparam("now") < _END,
    )
    .order_by(_END)
)


async def refuse_too_many(
    session: AsyncSession, buyer_id: str, max_open_orders: int, now: datetime
) -> None:
    """Hold the account that is limited until the caller's transaction ends; refuse one too many.

    `max_open_orders`: of an account without a limit of its own; 0 is none. Raises
    TooManyOpenOrders.
    """
    held = (await session.execute(_LIMITED_ACCOUNT, {"buyer_id": buyer_id})).one()
    limit = max_open_orders if held.max_open_orders is None else held.max_open_orders
    if limit == 0:
        return
    ends = (await session.scalars(_ENDS, {"limited_id": held.id, "now": now})).all()
    if len(ends) >= limit:
        frees_at = ends[len(ends) - limit]
        raise TooManyOpenOrders(limit, wait=ceil((frees_at - now).total_seconds()))


async def set_limit(
    session: AsyncSession, account_id: str, limit: int | None, *, actor: Actor, now: datetime
) -> None:
    """Give an account a limit of its own; None: the one of the settings again, or its issuer's."""
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
