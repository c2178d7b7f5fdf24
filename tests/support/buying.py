"""Placing orders by the service itself, for a caller that is known without credentials."""

from collections.abc import Callable
from datetime import datetime

from sqlalchemy import text

from app.accounts import access_codes
from app.accounts.authentication import Caller
from app.orders import aeonto_parameters, service
from app.orders.place import Buyer, Purchase
from app.orders.pricing import Terms
from app.orders.queries import OrderView
from app.orders.responses import order_response
from app.runtime.db.engine import Database
from app.runtime.idempotency import KeptAnswer, RequestKey

_KEPT = text(
    "SELECT request_hash AS kept_hash, status AS kept_status, body AS kept_body"
    " FROM idempotency_keys WHERE account_id = :account_id AND endpoint = :endpoint AND key = :key"
)


async def _buyer(
    database: Database, caller: Caller, purchase: Purchase, now: datetime, key: RequestKey | None
) -> Buyer:
    """Return what `new_order` knows of a buyer before it places an order."""
    kept = None
    async with database.reading() as connection:
        known = await aeonto_parameters.known(connection, now)
        if key is not None:
            kept = (await connection.execute(_KEPT, vars(key))).mappings().one_or_none()
    async with database.sessions() as session, session.begin():
        gift = await access_codes.active_account_of(session, purchase.access_code or "", now)
    return Buyer(caller, known, gift, kept or {"kept_hash": None})


def _written(order: OrderView, terms: Terms, now: datetime) -> bytes:
    return order_response(order, terms.valuation(), now).model_dump_json().encode()


async def buy(
    database: Database, caller: Caller, purchase: Purchase, terms: Terms, now: datetime
) -> OrderView:
    """Place an order as `new_order` does."""
    buyer = await _buyer(database, caller, purchase, now, None)
    placed, _ = await service.create(
        database, buyer, purchase, terms, now, write=lambda order: _written(order, terms, now)
    )
    return placed


async def buy_once(
    database: Database,
    caller: Caller,
    purchase: Purchase,
    terms: Terms,
    now: datetime,
    *,
    key: RequestKey,
    write: Callable[[OrderView], bytes],
) -> KeptAnswer:
    """Place an order as `new_order` does with a key."""
    buyer = await _buyer(database, caller, purchase, now, key)
    return await service.create_once(database, buyer, purchase, terms, now, key=key, write=write)
