"""Orders as a buyer sees them: placing one, and reading what became of it."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from http import HTTPStatus
from typing import Any, Final

from asyncpg import PostgresError
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from app.accounts.authentication import CallerQuery
from app.orders import open_orders, place, references
from app.orders.errors import InvalidOrderId, OrderNotCreated
from app.orders.models import Order, Payment
from app.orders.place import Buyer, Purchase
from app.orders.pricing import Terms
from app.orders.queries import VIEW_COLUMNS, WITH_PAYMENT, OrderView, view_of
from app.orders.rules.rails import Rail
from app.orders.rules.states import OrderStatus
from app.runtime import idempotency
from app.runtime.db.direct import DriverRow
from app.runtime.db.engine import Database
from app.runtime.db.failures import is_unavailable
from app.runtime.errors import IdempotencyKeyInFlight
from app.runtime.idempotency import KeptAnswer, RequestKey

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
    database: Database,
    buyer: Buyer,
    purchase: Purchase,
    terms: Terms,
    now: datetime,
    *,
    write: Callable[[OrderView], bytes],
) -> tuple[OrderView, bytes]:
    """Place an order, with an address to pay to if it is paid in bitcoin.

    Returns it, and the answer as `write` wrote it. Raises InvalidParameter, InvalidAccessCode,
    TooManyOpenOrders, ReferenceTaken, and OrderNotCreated when the database refuses the insert.
    """
    order = place.agree(buyer, purchase, terms, now)
    async with _within_limit(database, order, now):
        if order["rail"] is not Rail.BITCOIN or terms.bitcoin is None:
            view = place.view_of_placed(order)
            body = write(view)
            await place.in_aeon(database, order, body)
            return view, body
        async with database.sessions() as session, session.begin():
            return await place.in_bitcoin(session, order, terms, terms.bitcoin, now, write=write)


async def create_once(
    database: Database,
    buyer: Buyer,
    purchase: Purchase,
    terms: Terms,
    now: datetime,
    *,
    key: RequestKey,
    write: Callable[[OrderView], bytes],
) -> KeptAnswer:
    """Place an order unless the key has one; return what was answered first, as `write` wrote it.

    Key, order and answer are of one transaction. Raises what `create` raises,
    IdempotencyKeyInFlight and IdempotencyKeyReused.
    """
    earlier = place.earlier_answer(buyer, key)
    if earlier is not None:
        return earlier
    order = place.agree(buyer, purchase, terms, now)
    bitcoin = terms.bitcoin if order["rail"] is Rail.BITCOIN else None
    async with _within_limit(database, order, now):
        if bitcoin is None:
            body = write(place.view_of_placed(order))
            if await place.in_aeon_once(database, order, key, body):
                return KeptAnswer(HTTPStatus.CREATED, body, replayed=False)
        else:
            async with database.sessions() as session:

                async def in_bitcoin() -> bytes:
                    _, body = await place.in_bitcoin(
                        session, order, terms, bitcoin, now, write=write
                    )
                    return body

                return await idempotency.once(
                    session, key, now, in_bitcoin, status=HTTPStatus.CREATED
                )
    async with database.reading() as connection:
        other = await idempotency.find(connection, key)
    if other is None or other.answer is None:
        raise IdempotencyKeyInFlight
    return other.answer


@asynccontextmanager
async def _within_limit(
    database: Database, order: dict[str, Any], now: datetime
) -> AsyncIterator[None]:
    """Say what the database has against the order that the body inserts."""
    try:
        yield
    except (PostgresError, DBAPIError) as fault:
        if idempotency.is_in_flight(fault):
            raise IdempotencyKeyInFlight from fault
        if is_unavailable(fault):
            raise
        if references.refuses(fault):
            raise await references.refusal(database, order) from fault
        if open_orders.refuses(fault):
            raise await open_orders.refusal(
                database, order["buyer_id"], order["max_open_orders"], now
            ) from fault
        raise OrderNotCreated from fault


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
