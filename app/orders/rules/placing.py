"""What an order and its payment are when it is placed: the columns of their rows, pure, for every store."""

from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from app.orders.pricing import BitcoinTerms, Terms
from app.orders.rules.poll_schedule import Urgency, next_poll
from app.orders.rules.rails import Rail
from app.orders.rules.states import OrderStatus
from app.runtime.labels import NO_LABELS, Labels

FirstMove = tuple[OrderStatus | None, OrderStatus, str]

# The moves of an order that is placed, with their reasons; the second is that of the bitcoin rail.
ORDERED: Final[FirstMove] = (None, OrderStatus.TO_BE_CREATED, "ordered")
ADDRESS_GIVEN: Final[FirstMove] = (
    OrderStatus.TO_BE_CREATED,
    OrderStatus.UNPAID,
    "address_given",
)


def new_order(
    order_id: str,
    *,
    buyer_id: str,
    beneficiary_id: str,
    number_of_credits: int,
    payment_coin: str,
    payment_network: str,
    rail: Rail,
    terms: Terms,
    now: datetime,
    labels: Labels = NO_LABELS,
    unique_reference: bool = False,
) -> dict[str, Any]:
    """Return the row of an order that waits for AEON.to, which will say where to pay."""
    return {
        "id": order_id,
        "buyer_id": buyer_id,
        "beneficiary_id": beneficiary_id,
        "number_of_credits": number_of_credits,
        "payment_coin": payment_coin,
        "payment_network": payment_network,
        "rail": rail,
        "price_btc": terms.credit_price_btc,
        "btc_amount": number_of_credits * terms.credit_price_btc,
        "btc_dest_address": terms.btc_dest_address,
        "granting_status": terms.granting_status,
        "create_by": now + terms.create_deadline,
        "max_open_orders": terms.max_open_orders,
        "status": OrderStatus.TO_BE_CREATED,
        "status_since": now,
        "next_look_at": now,
        "look_urgency": Urgency.ADDRESS,
        "client_reference": labels.client_reference,
        "unique_reference": unique_reference,
        "client_metadata": labels.metadata,
        "created_at": now,
        "updated_at": now,
    }


def await_bitcoin(
    order: dict[str, Any], terms: BitcoinTerms, address: str, now: datetime
) -> dict[str, Any]:
    """Let a new order wait for money at an address of its own; return the row of its payment."""
    expires_at = now + terms.payment_window
    look = next_poll(
        OrderStatus.UNPAID, rail=Rail.BITCOIN, since=now, expires_at=expires_at, now=now
    )
    order |= {
        "btc_dest_address": address,
        "granting_status": OrderStatus.PAID,
        "status": OrderStatus.UNPAID,
        "next_look_at": look.at if look else now,
        "look_urgency": look.urgency if look else Urgency.OPEN,
    }
    return {
        "order_id": order["id"],
        "btc_amount": order["btc_amount"],
        "btc_dest_address": address,
        "state": OrderStatus.UNPAID,
        "expires_at": expires_at,
        "late_until": expires_at + terms.late_grace,
        "confirmations_wanted": terms.confirmations_for(order["btc_amount"]),
        "confirmations_seen": 0,
        "received_btc": Decimal(0),
        "confirmed_btc": Decimal(0),
        "seen_at": now,
    }
