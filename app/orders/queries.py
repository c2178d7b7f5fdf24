"""What an order looks like to those who may see it: its columns, and its payment beside it."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Final

from sqlalchemy import JSON, FromClause, Join, Text, and_, case, cast, func, select
from sqlalchemy.dialects.postgresql import aggregate_order_by

from app.orders.models import BitcoinOutput, Order, Payment, SettledOutput
from app.orders.rules.rails import Rail
from app.orders.rules.states import OrderStatus
from app.runtime.db.base import AnyRow


class SettlementWord(StrEnum):
    """Whether the chain shows that the bitcoin of an order arrived."""

    UNVERIFIED = "unverified"
    VERIFIED = "verified"


@dataclass(frozen=True)
class OutputFacts:
    """An output that paid the address of an order; `gone`: the chain no longer shows it."""

    txid: str
    output_index: int
    amount_btc: Decimal
    confirmations: int
    gone: bool


@dataclass(frozen=True, kw_only=True)
class PaymentFacts:
    """What is known about the payment; what belongs to the other rail is None.

    `last_reported_state` is what the rail last said; the status of the order is what is believed.
    AEON.to states amounts in AEON; `settlement` is None while there is nothing to verify, or nobody
    to ask. The chain shows what was received, in BTC, at a bitcoin address that is the order's own.
    """

    last_reported_state: str
    expires_at: datetime | None
    receiving_address: str | None = None
    receiving_integrated_address: str | None = None
    required_payment_id_long: str | None = None
    required_payment_id_short: str | None = None
    incoming_amount_total: Decimal | None = None
    remaining_amount_incoming: Decimal | None = None
    incoming_num_confirmations_remaining: int | None = None
    btc_transaction_id: str | None = None
    btc_num_confirmations: int | None = None
    settlement: SettlementWord | None = None
    bitcoin_address: str | None = None
    late_until: datetime | None = None
    received_btc: Decimal | None = None
    confirmations_wanted: int | None = None
    confirmations_seen: int | None = None
    outputs: tuple[OutputFacts, ...] = ()


@dataclass(frozen=True)
class OrderView:
    """An order as its buyer, its beneficiary and the issuer of its code may see it.

    `grant_price_btc` is what a credit cost when they were granted; None before, and in bitcoin where
    an operator granted them.
    """

    id: str
    rail: Rail
    status: OrderStatus
    created_at: datetime
    updated_at: datetime
    number_of_credits: int
    price_btc: Decimal
    credits_granted: int | None
    grant_price_btc: Decimal | None
    payment_coin: str
    payment_network: str
    btc_amount: Decimal
    failure_reason: str | None
    payment: PaymentFacts | None

    @property
    def given(self) -> bool:
        """Whether an operator granted its credits, so that no money need be there."""
        return self.credits_granted is not None and self.grant_price_btc is None


_OUTPUTS: Final = (
    select(
        func.json_agg(
            aggregate_order_by(
                func.json_build_array(
                    BitcoinOutput.txid,
                    BitcoinOutput.output_index,
                    cast(BitcoinOutput.value_btc, Text),
                    BitcoinOutput.confirmations,
                    BitcoinOutput.gone_at.is_not(None),
                ),
                BitcoinOutput.arrived_at,
                BitcoinOutput.txid,
                BitcoinOutput.output_index,
            ),
            type_=JSON,
        )
    )
    .where(BitcoinOutput.order_id == Order.id, BitcoinOutput.before_order.is_(False))
    .correlate(Order)
    .scalar_subquery()
)
_PAYMENT_COLUMNS: Final = {
    "last_reported_state": Payment.state,
    "expires_at": Payment.expires_at,
    "receiving_address": Payment.receiving_address,
    "receiving_integrated_address": Payment.receiving_integrated_address,
    "required_payment_id_long": Payment.required_payment_id_long,
    "required_payment_id_short": Payment.required_payment_id_short,
    "incoming_amount_total": Payment.incoming_amount_total,
    "remaining_amount_incoming": Payment.remaining_amount_incoming,
    "incoming_num_confirmations_remaining": Payment.incoming_num_confirmations_remaining,
    "btc_transaction_id": Payment.btc_transaction_id,
    "btc_num_confirmations": Payment.btc_num_confirmations,
    "settlement": case(
        (SettledOutput.order_id.is_not(None), SettlementWord.VERIFIED),
        (Payment.settlement_claimed_at.is_not(None), SettlementWord.UNVERIFIED),
    ),
    # An address that an earlier version gave to another order is nobody's to pay any more.
    "bitcoin_address": case(
        (
            and_(Order.rail == Rail.BITCOIN, Order.next_look_at.is_not(None)),
            Payment.btc_dest_address,
        )
    ),
    "late_until": Payment.late_until,
    "received_btc": Payment.received_btc,
    # New coins want more than the order does.
    "confirmations_wanted": func.coalesce(
        Payment.confirmations_needed, Payment.confirmations_wanted
    ),
    "confirmations_seen": Payment.confirmations_seen,
    "outputs": _OUTPUTS,
}
VIEW_COLUMNS: Final = (
    Order.id.label("order_id"),
    Order.rail,
    Order.status,
    Order.created_at,
    Order.updated_at,
    Order.number_of_credits,
    Order.price_btc,
    Order.credits_granted,
    # Over AEON.to, a grant is what was ordered, at the price of the order.
    case(
        (
            and_(Order.rail == Rail.AEONTO, Order.credits_granted.is_not(None)),
            Order.price_btc,
        ),
        else_=Order.grant_price_btc,
    ).label("grant_price_btc"),
    Order.payment_coin,
    Order.payment_network,
    Order.btc_amount,
    Order.failure_reason,
    *(column.label(f"payment_{name}") for name, column in _PAYMENT_COLUMNS.items()),
)


def with_payment(source: FromClause) -> Join:
    """Add what VIEW_COLUMNS need to a source that has the orders."""
    paid = source.outerjoin(Payment, Payment.order_id == Order.id)
    return paid.outerjoin(SettledOutput, SettledOutput.order_id == Order.id)


def view_of(row: AnyRow) -> OrderView:
    """Read a row that ends in VIEW_COLUMNS."""
    # Until AEON.to has made the payment address there is nothing that a buyer could use.
    known = row.payment_last_reported_state not in (None, OrderStatus.TO_BE_CREATED)
    payment = _payment_of(row) if known else None
    return OrderView(
        id=row.order_id,
        rail=Rail(row.rail),
        status=OrderStatus(row.status),
        created_at=row.created_at,
        updated_at=row.updated_at,
        number_of_credits=row.number_of_credits,
        price_btc=row.price_btc,
        credits_granted=row.credits_granted,
        grant_price_btc=row.grant_price_btc,
        payment_coin=row.payment_coin,
        payment_network=row.payment_network,
        btc_amount=row.btc_amount,
        failure_reason=row.failure_reason,
        payment=payment,
    )


def _payment_of(row: AnyRow) -> PaymentFacts:
    known = dict(zip(_PAYMENT_COLUMNS, row[-len(_PAYMENT_COLUMNS) :], strict=True))
    outputs = tuple(
        OutputFacts(txid, index, Decimal(amount), confirmations, gone)
        for txid, index, amount, confirmations, gone in known.pop("outputs") or ()
    )
    return PaymentFacts(**known, outputs=outputs)
