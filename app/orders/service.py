"""Orders as a buyer sees them: placing one, and reading what became of it."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Join,
    SQLColumnExpression,
    and_,
    bindparam,
    or_,
    select,
)
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession
from sqlalchemy.orm import aliased

from app.accounts.authentication import (
    KEY_COLUMNS,
    KEY_SOURCE,
    SESSION_COLUMNS,
    SESSION_SOURCE,
    Caller,
    ParsedCredentials,
    resolve,
)
from app.accounts.models import AccessCode, ApiKey, LoginSession
from app.ledger.models import Account
from app.orders.errors import InvalidOrderId
from app.orders.models import Order, Payment
from app.orders.place import Purchase, place
from app.orders.pricing import Terms
from app.orders.queries import VIEW_COLUMNS, OrderView, view_of, with_payment
from app.orders.rules.states import OrderStatus
from app.runtime import idempotency
from app.runtime.db.base import AnySelect
from app.runtime.errors import IdempotencyKeyInFlight
from app.runtime.idempotency import KeptAnswer, RequestKey
from app.runtime.paging import Cursor, Page, page_of

_ORDERS: Final = with_payment(Order.__table__)


def visible_to(account_id: SQLColumnExpression[str] | str) -> ColumnElement[bool]:
    """Limit orders to those of which the account is buyer, beneficiary, or issuer of the code."""
    code = aliased(AccessCode)
    issued = (
        select(code.account_id)
        .where(code.account_id == Order.beneficiary_id, code.issuer_id == account_id)
        .correlate(Order, Account)
        .exists()
    )
    return or_(Order.buyer_id == account_id, Order.beneficiary_id == account_id, issued)


def _with_order(
    columns: tuple[SQLColumnExpression[Any], ...], source: Join, whose: ColumnElement[bool]
) -> AnySelect:
    """Read a caller and, in the same statement, the order that it asks for and may see."""
    wanted = and_(Order.id == bindparam("order_id"), visible_to(Account.id))
    joined = with_payment(source.outerjoin(Order, wanted))
    return select(*columns, *VIEW_COLUMNS).select_from(joined).where(whose)


_STATUS_BY_KEY: Final = _with_order(KEY_COLUMNS, KEY_SOURCE, ApiKey.prefix == bindparam("prefix"))
_STATUS_BY_SESSION: Final = _with_order(
    SESSION_COLUMNS, SESSION_SOURCE, LoginSession.token_hash == bindparam("token_hash")
)


async def check_status(
    connection: AsyncConnection, presented: ParsedCredentials, order_id: str | None, now: datetime
) -> tuple[Caller, OrderView | None]:
    """Identify the caller and read the order in one statement; None: nothing that it may see.

    Raises InvalidApiKey, UserNotIdentified or NotLoggedIn.
    """
    caller, row = await resolve(
        connection,
        presented,
        now,
        by_key=_STATUS_BY_KEY,
        by_session=_STATUS_BY_SESSION,
        parameters={"order_id": order_id},
    )
    return caller, view_of(row) if row.order_id is not None else None


async def create(
    session: AsyncSession, *, caller: Caller, purchase: Purchase, terms: Terms, now: datetime
) -> OrderView:
    """Place an order, with an address to pay to if it is paid in bitcoin.

    Raises InvalidParameter, InvalidAccessCode, TooManyOpenOrders, and OrderNotCreated when the
    database refuses the insert.
    """
    async with session.begin():
        return await place(session, caller, purchase, terms, now)


async def create_once(
    session: AsyncSession,
    *,
    key: RequestKey,
    write: Callable[[OrderView], bytes],
    caller: Caller,
    purchase: Purchase,
    terms: Terms,
    now: datetime,
) -> KeptAnswer:
    """Place an order unless the key has one; return what was answered first, as `write` wrote it.

    Key, order and answer are of one transaction. Raises what `create` raises,
    IdempotencyKeyInFlight and IdempotencyKeyReused.
    """
    async with session.begin():
        earlier = await idempotency.claim(session, key, now)
        if earlier is None:
            order = await place(session, caller, purchase, terms, now)
            return await idempotency.keep(session, key, write(order))
    if earlier.answer is None:
        raise IdempotencyKeyInFlight
    return earlier.answer


async def list_all(
    connection: AsyncConnection, *, status: OrderStatus | None, limit: int
) -> list[OrderView]:
    """Return orders of every account, newest first, for an operator."""
    query = select(*VIEW_COLUMNS).select_from(_ORDERS)
    if status is not None:
        query = query.where(Order.status == status)
    rows = await connection.execute(
        query.order_by(Order.created_at.desc(), Order.id.desc()).limit(limit)
    )
    return [view_of(row) for row in rows]


async def read_any(connection: AsyncConnection, order_id: str) -> OrderView:
    """Return an order of any account, for an operator. Raises InvalidOrderId."""
    query = select(*VIEW_COLUMNS).select_from(_ORDERS).where(Order.id == order_id)
    row = (await connection.execute(query)).one_or_none()
    if row is None:
        raise InvalidOrderId
    return view_of(row)


async def upstream_of(connection: AsyncConnection, order_id: str) -> tuple[str | None, str]:
    """Return AEON.to's uuid of an order, if it has one yet, and where its bitcoin goes."""
    query = select(Payment.uuid, Order.btc_dest_address).select_from(_ORDERS)
    uuid, btc_dest_address = (await connection.execute(query.where(Order.id == order_id))).one()
    return uuid, btc_dest_address


async def list_visible(
    connection: AsyncConnection, account_id: str, *, cursor: Cursor | None, limit: int
) -> Page[OrderView]:
    """Return the orders that an account bought, receives, or issued the code of, newest first."""
    query = select(*VIEW_COLUMNS).select_from(_ORDERS).where(visible_to(account_id))
    return await page_of(
        connection,
        query,
        order=(Order.created_at, Order.id),
        cursor=cursor,
        limit=limit,
        read=view_of,
        position=lambda order: (order.created_at, order.id),
    )
