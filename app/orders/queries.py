"""What an order looks like to those who may see it: its columns, and its payment beside it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, Final

from app.orders.rules.rails import Rail
from app.orders.rules.states import OrderStatus


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
    an operator granted them. `watched`: Assay still looks at it, so that money may yet move it.
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
    client_reference: str | None
    metadata: Mapping[str, str] | None
    watched: bool
    payment: PaymentFacts | None

    @property
    def settled(self) -> bool | None:
        """Whether it is final: True with credits, False without; None: it may still change."""
        if self.credits_granted is not None:
            return True
        if self.status is OrderStatus.FAILED:
            return False
        return None if self.watched else False

    @property
    def given(self) -> bool:
        """Whether an operator granted its credits, so that no money need be there."""
        return self.credits_granted is not None and self.grant_price_btc is None


# Of the facts of a payment that have the name of their column.
_AS_NAMED: Final = (
    "expires_at",
    "receiving_address",
    "receiving_integrated_address",
    "required_payment_id_long",
    "required_payment_id_short",
    "incoming_amount_total",
    "remaining_amount_incoming",
    "incoming_num_confirmations_remaining",
    "btc_transaction_id",
    "btc_num_confirmations",
    "late_until",
    "received_btc",
    "confirmations_seen",
)
_COMPUTED: Final = (
    "last_reported_state",
    "settlement",
    "bitcoin_address",
    "confirmations_wanted",
)
# Over AEON.to, a grant is what was ordered, at the price of the order.
GRANT_PRICE: Final = """CASE WHEN orders.rail = 'aeonto' AND orders.credits_granted IS NOT NULL
        THEN orders.price_btc ELSE orders.grant_price_btc END"""
# What an order looks like, in SQL: columns of `orders`, and of what WITH_PAYMENT joins to it. An address that an earlier version
# gave to another order is nobody's to pay any more. New coins want more confirmations than the order.
VIEW_COLUMNS: Final = f"""
    orders.id AS order_id, orders.rail, orders.status, orders.created_at, orders.updated_at,
    orders.number_of_credits, orders.price_btc, orders.credits_granted,
    {GRANT_PRICE} AS grant_price_btc,
    orders.payment_coin, orders.payment_network, orders.btc_amount, orders.failure_reason,
    orders.client_reference, orders.client_metadata,
    orders.next_look_at IS NOT NULL OR COALESCE(orders.lease_until > clock_timestamp(), false)
        AS watched,
    {", ".join(f"payments.{name} AS payment_{name}" for name in _AS_NAMED)},
    payments.state AS payment_last_reported_state,
    CASE WHEN settlements.order_id IS NOT NULL THEN 'verified'
        WHEN payments.settlement_claimed_at IS NOT NULL THEN 'unverified'
        END AS payment_settlement,
    CASE WHEN orders.rail = 'bitcoin' AND orders.next_look_at IS NOT NULL
        THEN payments.btc_dest_address END AS payment_bitcoin_address,
    COALESCE(payments.confirmations_needed, payments.confirmations_wanted)
        AS payment_confirmations_wanted,
    (SELECT json_agg(json_build_array(
            txid, output_index, value_btc::text, confirmations, gone_at IS NOT NULL)
            ORDER BY arrived_at, txid, output_index)
        FROM bitcoin_outputs WHERE order_id = orders.id AND NOT before_order) AS payment_outputs"""  # noqa: S608  all of it is ours
WITH_PAYMENT: Final = """LEFT JOIN payments ON payments.order_id = orders.id
    LEFT JOIN settlements ON settlements.order_id = orders.id"""


def view_of(row: Mapping[Any, Any]) -> OrderView:
    """Read a row that has VIEW_COLUMNS."""
    # Until AEON.to has made the payment address there is nothing that a buyer could use.
    known = row["payment_last_reported_state"] not in (None, OrderStatus.TO_BE_CREATED)
    return OrderView(
        id=row["order_id"],
        rail=Rail(row["rail"]),
        status=OrderStatus(row["status"]),
        created_at=row["created_at"],
        updated_at=row["updated_at"],
        number_of_credits=row["number_of_credits"],
        price_btc=row["price_btc"],
        credits_granted=row["credits_granted"],
        grant_price_btc=row["grant_price_btc"],
        payment_coin=row["payment_coin"],
        payment_network=row["payment_network"],
        btc_amount=row["btc_amount"],
        failure_reason=row["failure_reason"],
        client_reference=row["client_reference"],
        metadata=row["client_metadata"],
        watched=row["watched"],
        payment=_payment_of(row) if known else None,
    )


def _payment_of(row: Mapping[Any, Any]) -> PaymentFacts:
    outputs = tuple(
        OutputFacts(txid, index, Decimal(amount), confirmations, gone)
        for txid, index, amount, confirmations, gone in row["payment_outputs"] or ()
    )
    known = {name: row[f"payment_{name}"] for name in (*_AS_NAMED, *_COMPUTED)}
    return PaymentFacts(**known, outputs=outputs)
