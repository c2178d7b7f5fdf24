"""How many unpaid orders a buyer may have open at once: the limit, and its exception for one account.

The database counts them and refuses one too many (`limit_open_orders`): nothing else can count what
others insert meanwhile. Here is said until when. An access code shares the limit of the user who
issued it, unless it has one of its own: otherwise new codes would be new limits.
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
from app.runtime.db.engine import Database
from app.runtime.db.failures import context_of, is_unavailable

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
_LIMITED_ACCOUNT: Final = select(Account.id, Account.max_open_orders).where(
    Account.id == func.coalesce(_ISSUER, _BUYER)
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


def refuses(fault: BaseException) -> bool:
    """Say whether the database refused an order because there are too many."""
    return "limit_open_orders()" in context_of(fault) and not is_unavailable(fault)


async def refusal(
    database: Database, buyer_id: str, max_open_orders: int, now: datetime
) -> TooManyOpenOrders:
    """Say which limit a buyer has reached, and until when.

    `max_open_orders`: of an account without a limit of its own.
    """
    async with database.reading() as connection:
        limited = (await connection.execute(_LIMITED_ACCOUNT, {"buyer_id": buyer_id})).one()
        limit = max_open_orders if limited.max_open_orders is None else limited.max_open_orders
        found = await connection.scalars(_ENDS, {"limited_id": limited.id, "now": now})
        ends = found.all()
    if len(ends) < limit or not ends:  # one was paid or timed out this very moment
        return TooManyOpenOrders(limit, wait=1)
    frees_at = ends[len(ends) - limit]
    return TooManyOpenOrders(limit, wait=ceil((frees_at - now).total_seconds()))


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
