"""Orders in bitcoin, in memory: how they are placed, and what arrived at their addresses.

It stands for `order_placing` and `arrivals` of the real store, and asks the same pure functions.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from app.orders.apply import ApplyResult, Observation
from app.orders.apply_outputs import evidence_of, prior_money_alarm
from app.orders.pricing import BitcoinTerms
from app.orders.rules.bitcoin_payments import (
    Invoice,
    Receipts,
    Valuation,
    arrived_at,
    evaluate_payment,
    unmatched_money,
)
from app.orders.rules.poll_schedule import Urgency, next_look
from app.orders.rules.prior_money import (
    EarlierSighting,
    OrderPlacement,
    came_before,
    lowest_height,
)
from app.orders.rules.rails import Rail
from app.orders.rules.reports import Decision, evaluate_report
from app.orders.rules.states import OrderStatus
from app.orders.transitions import Grant
from app.partners.aeonto.report import Report
from app.partners.esplora.outputs import OutputId, ReceivedOutput
from app.runtime.money import SATOSHI, in_satoshi
from app.simulation.books import KeptOrder, KeptOutput, KeptPayment, facts_of
from app.simulation.keeping import Keeping


def give_address(order: KeptOrder, terms: BitcoinTerms, index: int, now: datetime) -> None:
    """Let an order that is being placed wait for money at an address of its own."""
    expires_at = now + terms.payment_window
    look = next_look(
        OrderStatus.UNPAID, rail=Rail.BITCOIN, since=now, expires_at=expires_at, now=now
    )
    order.btc_dest_address = terms.wallet.address(index)
    order.granting_status = OrderStatus.PAID
    order.next_look_at = look.at if look else now
    order.look_urgency = look.urgency if look else Urgency.OPEN
    said: dict[str, Any] = {
        "state": OrderStatus.UNPAID,
        "expires_at": expires_at,
        "late_until": expires_at + terms.late_grace,
        "confirmations_wanted": terms.confirmations_for(order.btc_amount),
        "confirmations_seen": 0,
        "received_btc": Decimal(0),
        "confirmed_btc": Decimal(0),
    }
    order.payment = KeptPayment(None, now, said)


def invoice_of(order: KeptOrder, payment: KeptPayment) -> Invoice:
    """Return what an order asks for, as it was fixed when it was placed."""
    return Invoice(
        due_satoshi=in_satoshi(order.btc_amount),
        number_of_credits=order.number_of_credits,
        price_satoshi=in_satoshi(order.price_btc),
        expires_at=payment.said["expires_at"],
        late_until=payment.said["late_until"],
        confirmations_wanted=payment.said["confirmations_wanted"],
    )


def apply_outputs(
    keeping: Keeping,
    order: KeptOrder,
    payment: KeptPayment,
    arrivals: Sequence[ReceivedOutput],
    *,
    valuation: Valuation,
    now: datetime,
) -> ApplyResult:
    """Do what the arrivals mean for an order under its lease."""
    seen = {output_id: output.arrived_at for output_id, output in payment.outputs.items()}
    came_at = arrived_at(arrivals, seen, max(now, order.created_at))
    prior = _prior(order, payment, arrivals)
    known_prior = {each for each, output in payment.outputs.items() if output.before_order}
    receipts = evaluate_payment(
        invoice_of(order, payment),
        [arrival for arrival in arrivals if arrival.id not in prior],
        came_at,
        status=order.status,
        valuation=valuation,
        now=now,
    )
    report = Report(
        state=receipts.state,
        btc_amount=order.btc_amount,
        btc_dest_address=order.btc_dest_address,
        expires_at=payment.said["expires_at"],
    )
    decision = evaluate_report(facts_of(order, uuid=None), report, now)
    unseen_for = now - payment.seen_at
    granted = order.granted_at is not None
    _keep_outputs(payment, arrivals, came_at, prior, granted=granted, now=now)
    _keep_receipts(payment, receipts, now)
    alarm = decision.alarm or prior_money_alarm(prior - known_prior)
    alarm = alarm or _unmatched_money(order, decision, receipts)
    return keeping.carry_out(
        order,
        replace(decision, alarm=alarm),
        Observation(
            reported=report.state,
            evidence=evidence_of(receipts, arrivals, prior),
            expires_at=payment.said["expires_at"],
            cause=order.lease_token or "",
        ),
        grant=Grant(receipts.credits, receipts.price_satoshi * SATOSHI),
        unseen_for=unseen_for if unseen_for > timedelta(0) else None,
        now=now,
    )


def _prior(
    order: KeptOrder, payment: KeptPayment, arrivals: Sequence[ReceivedOutput]
) -> set[OutputId]:
    """Return the outputs that came before the order; no address was checked before."""
    placed = OrderPlacement(
        at=order.created_at,
        known_height=None,
        first_look=payment.seen_at == order.created_at,
        granted=order.granted_at is not None,
    )
    earlier = {
        output_id: EarlierSighting(output.before_order, output.block_height, output.arrived_at)
        for output_id, output in payment.outputs.items()
    }
    return {one.id for one in arrivals if came_before(one, placed, earlier.get(one.id))}


def _unmatched_money(order: KeptOrder, decision: Decision, receipts: Receipts) -> str | None:
    credited = in_satoshi(order.btc_amount)
    if decision.grant:
        credited = receipts.credits * receipts.price_satoshi
    elif order.credits_granted is not None and order.grant_price_btc is not None:
        credited = in_satoshi(order.credits_granted * order.grant_price_btc)
    status = decision.move_to or order.status
    return unmatched_money(status, receipts.received_satoshi, credited)


def _keep_outputs(
    payment: KeptPayment,
    arrivals: Sequence[ReceivedOutput],
    came_at: dict[OutputId, datetime],
    prior: set[OutputId],
    *,
    granted: bool,
    now: datetime,
) -> None:
    for arrival in arrivals:
        kept = payment.outputs.get(arrival.id)
        output = KeptOutput(
            value_btc=arrival.value_satoshi * SATOSHI,
            confirmations=arrival.confirmations,
            replaceable=arrival.replaceable,
            is_coinbase=arrival.is_coinbase,
            arrived_at=came_at[arrival.id],
            before_order=arrival.id in prior,
            block_height=lowest_height(kept.block_height if kept else None, arrival.block_height),
        )
        if kept is not None and granted:  # judged by what was known at the grant
            output.arrived_at = kept.arrived_at
            output.block_height = kept.block_height
        payment.outputs[arrival.id] = output
    for gone in payment.outputs.keys() - came_at.keys():
        output = payment.outputs[gone]
        output.confirmations = 0
        output.gone_at = output.gone_at or now


def _keep_receipts(payment: KeptPayment, receipts: Receipts, now: datetime) -> None:
    payment.said |= {
        "state": receipts.state,
        "received_btc": receipts.received_satoshi * SATOSHI,
        "confirmed_btc": receipts.confirmed_satoshi * SATOSHI,
        "confirmations_seen": receipts.confirmations,
        "confirmations_needed": receipts.confirmations_wanted,
    }
    payment.seen_at = now
