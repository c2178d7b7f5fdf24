"""Orders as a buyer sees them: placing one, and reading what became of it."""

from collections.abc import Callable
from datetime import datetime
from typing import Final

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from app.accounts.authentication import Caller, CallerQuery
from app.orders.errors import InvalidOrderId
from app.orders.models import Order, Payment, SettledOutput
from app.orders.place import Purchase, place
from app.orders.pricing import Terms
from app.orders.queries import VIEW_COLUMNS, WITH_PAYMENT, OrderView, view_of
from app.orders.rules.states import OrderStatus
from app.runtime import idempotency
from app.runtime.db.direct import DriverRow
from app.runtime.errors import IdempotencyKeyInFlight
from app.runtime.idempotency import KeptAnswer, RequestKey
from app.runtime.paging import Cursor, Page, page_of

_ORDER: Final = f"SELECT {VIEW_COLUMNS} FROM orders {WITH_PAYMENT}"  # noqa: S608  all of it is ours
_ANY_ORDER: Final = text(f"{_ORDER} WHERE orders.id = :order_id")
_NEWEST_ORDERS: Final = text(
    f"{_ORDER} WHERE CAST(:status AS text) IS NULL OR orders.status = :status"
    " ORDER BY orders.created_at DESC, orders.id DESC LIMIT :limit"
)


def visible_to(account_id: str) -> str:
    """Return, in SQL, that an order may be seen by an account, itself an expression of SQL.

    It is the buyer's, the beneficiary's, and the issuer's of the access code that receives it.
    """
    return f"""(orders.buyer_id = {account_id} OR orders.beneficiary_id = {account_id}
        OR EXISTS (SELECT FROM access_codes WHERE access_codes.account_id = orders.beneficiary_id
            AND access_codes.issuer_id = {account_id}))"""


# The caller, and the order `order_id` if the caller may see it.
STATUS: Final = CallerQuery(
    VIEW_COLUMNS,
    joined=f"LEFT JOIN orders ON orders.id = :order_id AND {visible_to('account.id')} {WITH_PAYMENT}",
)


def order_in(row: DriverRow) -> OrderView | None:
    """Return the order of a row of STATUS; None: there is none that the caller may see."""
    return view_of(row) if row["order_id"] is not None else None


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
    rows = await connection.execute(_NEWEST_ORDERS, {"status": status, "limit": limit})
    return [view_of(row) for row in rows.mappings()]


async def read_any(connection: AsyncConnection, order_id: str) -> OrderView:
    """Return an order of any account, for an operator. Raises InvalidOrderId."""
    found = await connection.execute(_ANY_ORDER, {"order_id": order_id})
    row = found.mappings().one_or_none()
    if row is None:
        raise InvalidOrderId
    return view_of(row)


async def upstream_of(connection: AsyncConnection, order_id: str) -> tuple[str | None, str]:
    """Return AEON.to's uuid of an order, if it has one yet, and where its bitcoin goes."""
    query = (
        select(Payment.uuid, Order.btc_dest_address)
        .select_from(Order)
        .outerjoin(Payment, Payment.order_id == Order.id)
        .where(Order.id == order_id)
    )
    uuid, btc_dest_address = (await connection.execute(query)).one()
    return uuid, btc_dest_address


async def list_visible(
    connection: AsyncConnection, account_id: str, *, cursor: Cursor | None, limit: int
) -> Page[OrderView]:
    """Return the orders that an account bought, receives, or issued the code of, newest first."""
    query = (
        select(text(VIEW_COLUMNS))
        .select_from(Order)
        .outerjoin(Payment, Payment.order_id == Order.id)
        .outerjoin(SettledOutput, SettledOutput.order_id == Order.id)
        .where(text(visible_to(":account_id")).bindparams(account_id=account_id))
    )
    return await page_of(
        connection,
        query,
        order=(Order.created_at, Order.id),
        cursor=cursor,
        limit=limit,
        read=lambda row: view_of(row._mapping),
        position=lambda order: (order.created_at, order.id),
    )
