"""What an order looks like to those who may see it: its columns, and its payment beside it."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Final

from sqlalchemy import FromClause, Join, case

from app.db.base import AnyRow
from app.domain.states import OrderStatus
from app.models import Order, Payment, SettledOutput


class SettlementWord(StrEnum):
    """Whether the chain shows that the bitcoin of an order arrived."""

    UNVERIFIED = "unverified"
    VERIFIED = "verified"


@dataclass(frozen=True)
class PaymentFacts:
    """What AEON.to said about the payment; amounts in AEON.

    `settlement` is None while there is nothing to verify, or nobody to ask.
    """

    state: str
    receiving_address: str | None
    receiving_integrated_address: str | None
    required_payment_id_long: str | None
    required_payment_id_short: str | None
    incoming_amount_total: Decimal | None
    remaining_amount_incoming: Decimal | None
    incoming_num_confirmations_remaining: int | None
    btc_transaction_id: str | None
    btc_num_confirmations: int | None
    expires_at: datetime | None
    settlement: SettlementWord | None


@dataclass(frozen=True)
class OrderView:
    """An order as its buyer, its beneficiary and the issuer of its code may see it."""

    id: str
    status: OrderStatus
    created_at: datetime
    updated_at: datetime
    number_of_credits: int
    credits_granted: int | None
    payment_coin: str
    payment_network: str
    btc_amount: Decimal
    failure_reason: str | None
    payment: PaymentFacts | None


_PAYMENT_COLUMNS: Final = (
    Payment.state,
    Payment.receiving_address,
    Payment.receiving_integrated_address,
    Payment.required_payment_id_long,
    Payment.required_payment_id_short,
    Payment.incoming_amount_total,
    Payment.remaining_amount_incoming,
    Payment.incoming_num_confirmations_remaining,
    Payment.btc_transaction_id,
    Payment.btc_num_confirmations,
    Payment.expires_at.label("payment_expires_at"),
    case(
        (SettledOutput.order_id.is_not(None), SettlementWord.VERIFIED),
        (Payment.settlement_claimed_at.is_not(None), SettlementWord.UNVERIFIED),
    ).label("settlement"),
)
VIEW_COLUMNS: Final = (
    Order.id.label("order_id"),
    Order.status,
    Order.created_at,
    Order.updated_at,
    Order.number_of_credits,
    Order.credits_granted,
    Order.payment_coin,
    Order.payment_network,
    Order.btc_amount,
    Order.failure_reason,
    *_PAYMENT_COLUMNS,
)


def with_payment(source: FromClause) -> Join:
    """Add what VIEW_COLUMNS need to a source that has the orders."""
    paid = source.outerjoin(Payment, Payment.order_id == Order.id)
    return paid.outerjoin(SettledOutput, SettledOutput.order_id == Order.id)


def view_of(row: AnyRow) -> OrderView:
    """Read a row that ends in VIEW_COLUMNS."""
    # Until AEON.to has made the payment address there is nothing that a buyer could use.
    known = row.state is not None and row.state != OrderStatus.TO_BE_CREATED
    payment = PaymentFacts(*row[-len(_PAYMENT_COLUMNS) :]) if known else None
    return OrderView(
        id=row.order_id,
        status=OrderStatus(row.status),
        created_at=row.created_at,
        updated_at=row.updated_at,
        number_of_credits=row.number_of_credits,
        credits_granted=row.credits_granted,
        payment_coin=row.payment_coin,
        payment_network=row.payment_network,
        btc_amount=row.btc_amount,
        failure_reason=row.failure_reason,
        payment=payment,
    )
