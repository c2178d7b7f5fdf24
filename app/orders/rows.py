"""Between the rows of an order and its rules: rows become facts, a transition changes rows.

The rows need no session: the store of simulated days keeps the same ones in memory.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from app.orders.models import BitcoinOutput, Order, Payment
from app.orders.rules.bitcoin_payments import Invoice, Valuation
from app.orders.rules.facts import AeontoOrder, BitcoinOrder, Failures, OrderFacts, Sighting
from app.orders.rules.prior_money import EarlierSighting
from app.orders.rules.rails import Rail
from app.orders.rules.states import MOVES, Move, OrderStatus
from app.orders.rules.transition import Transition
from app.partners.esplora.outputs import OutputId
from app.runtime.money import in_satoshi


@dataclass
class OrderRows:
    """The row of an order, and those of its payment as far as a transition needs them."""

    order: Order
    payment: Payment | None = None
    outputs: dict[OutputId, BitcoinOutput] = field(default_factory=dict)


def order_facts(order: Order) -> OrderFacts:
    """Return what is known of an order, without its payment."""
    return OrderFacts(**_shared(order))


def aeonto_facts(rows: OrderRows, *, uuid_is_taken: bool) -> AeontoOrder:
    """Return what a report is held against; `uuid_is_taken`: its uuid is another order's."""
    payment = rows.payment
    return AeontoOrder(
        **_shared(rows.order),
        uuid=payment.uuid if payment else None,
        uuid_is_taken=uuid_is_taken,
        seen_at=payment.seen_at if payment else None,
        claimed_at=payment.settlement_claimed_at if payment else None,
    )


def bitcoin_facts(
    rows: OrderRows,
    *,
    settled: Collection[OutputId],
    known_height: int | None,
    valuation: Valuation,
) -> BitcoinOrder:
    """Return what arrivals are held against. Raises ValueError for an order that has no terms."""
    order, payment = rows.order, rows.payment
    if (
        payment is None
        or payment.expires_at is None
        or payment.late_until is None
        or payment.confirmations_wanted is None
    ):
        raise ValueError(f"order {order.id} has no terms of a payment in bitcoin")
    return BitcoinOrder(
        **_shared(order),
        invoice=Invoice(
            due_satoshi=in_satoshi(order.btc_amount),
            number_of_credits=order.number_of_credits,
            price_satoshi=in_satoshi(order.price_btc),
            expires_at=payment.expires_at,
            late_until=payment.late_until,
            confirmations_wanted=payment.confirmations_wanted,
        ),
        seen_at=payment.seen_at,
        outputs={
            output_id: EarlierSighting(
                output.before_order, output.block_height, output.arrived_at, output.gone_at
            )
            for output_id, output in rows.outputs.items()
        },
        settled=settled,
        known_height=known_height,
        valuation=valuation,
    )


def _shared(order: Order) -> dict[str, Any]:
    sighting = failures = None
    if order.sighting_status is not None and order.sighting_since is not None:
        sighting = Sighting(
            OrderStatus(order.sighting_status), order.sighting_count, order.sighting_since
        )
    if order.failed_since is not None:
        failures = Failures(order.failed_count, order.failed_since)
    return {
        "rail": Rail(order.rail),
        "status": OrderStatus(order.status),
        "status_since": order.status_since,
        "created_at": order.created_at,
        "granting_status": OrderStatus(order.granting_status),
        "number_of_credits": order.number_of_credits,
        "btc_amount": order.btc_amount,
        "btc_dest_address": order.btc_dest_address,
        "credits_granted": order.credits_granted,
        "grant_price_btc": order.grant_price_btc,
        "sighting": sighting,
        "failures": failures,
    }


def write(rows: OrderRows, change: Transition, now: datetime) -> list[Payment | BitcoinOutput]:
    """Let the rows be as a transition says; return those that are new.

    Raises ValueError for a move that the table of moves does not have.
    """
    order = rows.order
    if change.move_to is not None:
        _move(order, change, change.move_to, now)
    sighting, failures = change.sighting, change.failures
    order.sighting_status = sighting.status if sighting else None
    order.sighting_count = sighting.count if sighting else 0
    order.sighting_since = sighting.since if sighting else None
    order.failed_count = failures.count if failures else 0
    order.failed_since = failures.since if failures else None
    order.next_look_at = change.next_poll.at if change.next_poll else None
    if change.next_poll:
        order.look_urgency = change.next_poll.urgency
    if not change.keeps_lease:
        order.lease_token = order.lease_until = None
    return [*_write_payment(rows, change.payment), *_write_outputs(rows, change.outputs)]


def _move(order: Order, change: Transition, to_status: OrderStatus, now: datetime) -> None:
    from_status = OrderStatus(order.status)
    if MOVES[from_status, to_status] in (Move.ILLEGAL, Move.STAY):
        raise ValueError(f"order {order.id} may not move from {from_status} to {to_status}")
    order.status = to_status
    order.status_since = order.updated_at = now
    order.failure_reason = change.failure_reason
    if change.grant is not None:
        order.credits_granted = change.grant.credits
        order.grant_price_btc = change.grant.price_btc
        order.granted_at = max(now, order.created_at)  # clocks of replicas differ


def _write_payment(rows: OrderRows, columns: Mapping[str, Any]) -> list[Payment]:
    if rows.payment is None and columns:
        rows.payment = Payment(order_id=rows.order.id, **columns)
        return [rows.payment]
    for name, value in columns.items():
        setattr(rows.payment, name, value)
    return []


def _write_outputs(
    rows: OrderRows, changes: Mapping[OutputId, Mapping[str, Any]]
) -> list[BitcoinOutput]:
    """Write what arrived. One output is one row: the database refuses one that another order has."""
    new = []
    for (txid, output_index), columns in changes.items():
        output = rows.outputs.get((txid, output_index))
        if output is None:
            output = BitcoinOutput(
                txid=txid, output_index=output_index, order_id=rows.order.id, **columns
            )
            rows.outputs[txid, output_index] = output
            new.append(output)
        else:
            for name, value in columns.items():
                setattr(output, name, value)
    return new
