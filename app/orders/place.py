"""Placing an order, on either rail, in the caller's transaction.

AEON.to hears of an order later, from the loop. One in bitcoin can be paid at once: its address is
taken here, in the transaction of the order, so that a failure leaves no gap between addresses.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import insert
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts import access_codes
from app.accounts.authentication import Caller
from app.accounts.errors import InvalidAccessCode
from app.orders import addresses, events, open_orders, rail_offers
from app.orders.errors import OrderNotCreated
from app.orders.models import Order, Payment
from app.orders.pricing import Terms
from app.orders.queries import OrderView, PaymentFacts
from app.orders.rules.placing import ADDRESS_GIVEN, ORDERED, await_bitcoin, new_order
from app.orders.rules.rails import Rail
from app.runtime.db.failures import is_unavailable
from app.runtime.security import new_id

_SHOWN: Final = (
    "id", "rail", "status", "created_at", "updated_at", "number_of_credits", "price_btc",
    "payment_coin", "payment_network", "btc_amount",
)  # fmt: skip
_SHOWN_OF_PAYMENT: Final = (
    "expires_at", "late_until", "received_btc", "confirmations_wanted", "confirmations_seen",
)  # fmt: skip


@dataclass(frozen=True)
class Purchase:
    """What a buyer asks for; `access_code` None: for itself."""

    number_of_credits: int
    payment_coin: str
    payment_network: str
    access_code: str | None


async def place(
    session: AsyncSession, caller: Caller, purchase: Purchase, terms: Terms, now: datetime
) -> OrderView:
    """Place an order.

    Raises InvalidParameter, InvalidAccessCode, TooManyOpenOrders and OrderNotCreated.
    """
    least, most = await rail_offers.credit_range(
        session, rail_offers.coin_rail(purchase.payment_coin, terms), terms, now
    )
    if not 1 <= purchase.number_of_credits <= terms.max_credits_per_order:
        raise rail_offers.outside(least, most)
    rail = rail_offers.rail_of(purchase.payment_coin, purchase.payment_network, terms)
    beneficiary_id = await _beneficiary(session, caller, purchase, now)
    if not least <= purchase.number_of_credits <= most:
        raise rail_offers.outside(least, most)
    await open_orders.refuse_too_many(session, caller.account_id, terms.max_open_orders, now)
    order = new_order(
        new_id("ord"),
        buyer_id=caller.account_id,
        beneficiary_id=beneficiary_id,
        number_of_credits=purchase.number_of_credits,
        payment_coin=purchase.payment_coin,
        payment_network=purchase.payment_network,
        rail=rail,
        terms=terms,
        now=now,
    )
    try:
        payment = await _insert(session, order, terms, now)
    except DBAPIError as error:
        if is_unavailable(error):
            raise
        raise OrderNotCreated from error
    return _view_of(order, payment)


async def _beneficiary(
    session: AsyncSession, caller: Caller, purchase: Purchase, now: datetime
) -> str:
    if not caller.active:
        raise InvalidAccessCode
    if purchase.access_code is None:
        return caller.account_id
    beneficiary_id = await access_codes.active_account_of(session, purchase.access_code, now)
    if beneficiary_id is None:
        raise InvalidAccessCode
    return beneficiary_id


async def _insert(
    session: AsyncSession, order: dict[str, Any], terms: Terms, now: datetime
) -> dict[str, Any] | None:
    """Insert an order; in bitcoin, with an address of its own and the payment that it waits for.

    Returns that payment. AEON.to will say where the others are to be paid.
    """
    payment, moves = None, [ORDERED]
    if order["rail"] is Rail.BITCOIN and terms.bitcoin is not None:
        address = await addresses.take(
            session, terms.bitcoin.wallet, order["id"], now, destination=terms.btc_dest_address
        )
        payment = await_bitcoin(order, terms.bitcoin, address, now)
        moves.append(ADDRESS_GIVEN)
    await session.execute(insert(Order).values(order))
    if payment is not None:
        await session.execute(insert(Payment).values(payment))
    for move in moves:
        await events.write(session, events.moved(order["id"], move, now))
    return payment


def _view_of(order: dict[str, Any], payment: dict[str, Any] | None) -> OrderView:
    """Return what the caller may see of an order that was placed just now."""
    shown = None
    if payment is not None:
        shown = PaymentFacts(
            last_reported_state=payment["state"],
            bitcoin_address=payment["btc_dest_address"],
            **{name: payment[name] for name in _SHOWN_OF_PAYMENT},
        )
    return OrderView(
        **{name: order[name] for name in _SHOWN},
        credits_granted=None,
        grant_price_btc=None,
        failure_reason=None,
        payment=shown,
    )
