"""Placing an order, on either rail, in the caller's transaction.

AEON.to hears of an order later, from the loop. One in bitcoin can be paid at once: its address is
taken here, in the transaction of the order, so that a failure leaves no gap between addresses.
"""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import insert
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts import access_codes
from app.accounts.authentication import Caller
from app.accounts.errors import InvalidAccessCode
from app.orders import addresses, events, open_orders, rail_offers
from app.orders.errors import OrderNotCreated
from app.orders.models import Order, Payment
from app.orders.pricing import BitcoinTerms, Terms
from app.orders.queries import OrderView, PaymentFacts
from app.orders.rules.poll_schedule import Urgency, next_look
from app.orders.rules.rails import Rail
from app.orders.rules.states import OrderStatus
from app.runtime.db.failures import is_unavailable
from app.runtime.security import new_id


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
    sold: dict[str, Any] = {
        "id": new_id("ord"),
        "buyer_id": caller.account_id,
        "beneficiary_id": beneficiary_id,
        "number_of_credits": purchase.number_of_credits,
        "payment_coin": purchase.payment_coin,
        "payment_network": purchase.payment_network,
        "rail": rail,
        "price_btc": terms.credit_price_btc,
        "btc_amount": purchase.number_of_credits * terms.credit_price_btc,
        "create_by": now + terms.create_deadline,
        "max_open_orders": terms.max_open_orders,
    }
    payment = None
    try:
        if rail is Rail.BITCOIN and terms.bitcoin is not None:
            payment = await _insert_in_bitcoin(
                session, sold, terms.bitcoin, now, destination=terms.btc_dest_address
            )
        else:
            await _insert_in_aeon(session, sold, terms, now)
    except DBAPIError as error:
        if is_unavailable(error):
            raise
        raise OrderNotCreated from error
    return _view_of(sold, payment, now)


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


async def _insert_in_aeon(
    session: AsyncSession, sold: dict[str, Any], terms: Terms, now: datetime
) -> None:
    """Insert an order that waits for AEON.to, which will say where to pay."""
    await session.execute(
        insert(Order).values(
            **sold,
            btc_dest_address=terms.btc_dest_address,
            granting_status=terms.granting_status,
            status=OrderStatus.TO_BE_CREATED,
            status_since=now,
            next_look_at=now,
            look_urgency=Urgency.ADDRESS,
            created_at=now,
            updated_at=now,
        )
    )
    await _write_begin(session, sold["id"], now)


def _view_of(sold: dict[str, Any], payment: PaymentFacts | None, now: datetime) -> OrderView:
    """Return what the caller may see of an order that was placed just now."""
    return OrderView(
        id=sold["id"],
        rail=sold["rail"],
        status=OrderStatus.TO_BE_CREATED if payment is None else OrderStatus.UNPAID,
        created_at=now,
        updated_at=now,
        number_of_credits=sold["number_of_credits"],
        price_btc=sold["price_btc"],
        credits_granted=None,
        grant_price_btc=None,
        payment_coin=sold["payment_coin"],
        payment_network=sold["payment_network"],
        btc_amount=sold["btc_amount"],
        failure_reason=None,
        payment=payment,
    )


async def _insert_in_bitcoin(
    session: AsyncSession,
    sold: dict[str, Any],
    terms: BitcoinTerms,
    now: datetime,
    *,
    destination: str,
) -> PaymentFacts:
    """Insert an order with an address of its own, and the payment that it waits for."""
    address = await addresses.take(session, terms.wallet, sold["id"], now, destination=destination)
    expires_at = now + terms.payment_window
    look = next_look(
        OrderStatus.UNPAID, rail=Rail.BITCOIN, since=now, expires_at=expires_at, now=now
    )
    await session.execute(
        insert(Order).values(
            **sold,
            btc_dest_address=address,
            granting_status=OrderStatus.PAID,
            status=OrderStatus.UNPAID,
            status_since=now,
            next_look_at=look.at if look else now,
            look_urgency=look.urgency if look else Urgency.OPEN,
            created_at=now,
            updated_at=now,
        )
    )
    payment = PaymentFacts(
        last_reported_state=OrderStatus.UNPAID,
        expires_at=expires_at,
        late_until=expires_at + terms.late_grace,
        bitcoin_address=address,
        received_btc=Decimal(0),
        confirmations_wanted=terms.confirmations_for(sold["btc_amount"]),
        confirmations_seen=0,
    )
    await _insert_payment(session, sold, payment, now)
    await _write_begin(session, sold["id"], now)
    await events.moved(
        session,
        sold["id"],
        from_status=OrderStatus.TO_BE_CREATED,
        to_status=OrderStatus.UNPAID,
        at=now,
        reason="address_given",
    )
    return payment


async def _insert_payment(
    session: AsyncSession, sold: dict[str, Any], payment: PaymentFacts, now: datetime
) -> None:
    """Insert the payment in bitcoin that an order waits for."""
    await session.execute(
        insert(Payment).values(
            order_id=sold["id"],
            btc_amount=sold["btc_amount"],
            btc_dest_address=payment.bitcoin_address,
            state=OrderStatus.UNPAID,
            expires_at=payment.expires_at,
            late_until=payment.late_until,
            confirmations_wanted=payment.confirmations_wanted,
            confirmations_seen=0,
            received_btc=Decimal(0),
            confirmed_btc=Decimal(0),
            seen_at=now,
        )
    )


async def _write_begin(session: AsyncSession, order_id: str, now: datetime) -> None:
    await events.moved(
        session,
        order_id,
        from_status=None,
        to_status=OrderStatus.TO_BE_CREATED,
        at=now,
        reason="ordered",
    )
