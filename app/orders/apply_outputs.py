"""Applying what the chain shows at the address of an order in bitcoin."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.orders import settlements
from app.orders.apply import ApplyResult, Observation, carry_out, facts_of
from app.orders.leases import PollTask, locked_under_lease
from app.orders.models import BitcoinAddress, BitcoinOutput, Order, Payment
from app.orders.rules.bitcoin_payments import (
    Invoice,
    Receipts,
    Valuation,
    arrived_at,
    evaluate_payment,
    unmatched_money,
)
from app.orders.rules.prior_money import (
    EarlierSighting,
    OrderPlacement,
    came_before,
    lowest_height,
)
from app.orders.rules.reports import Decision, evaluate_report
from app.orders.rules.states import OrderStatus
from app.orders.transitions import Grant
from app.partners.aeonto.report import Report
from app.partners.esplora.outputs import OutputId, ReceivedOutput
from app.runtime.money import SATOSHI, in_satoshi


async def apply_outputs(
    session: AsyncSession,
    job: PollTask,
    arrivals: Sequence[ReceivedOutput],
    valuation: Valuation,
    now: datetime,
) -> ApplyResult:
    """Do what the arrivals mean: move, grant, ring; then say when to look next."""
    async with session.begin():
        order = await locked_under_lease(session, job.order_id, job.lease_token)
        if order is None:
            return ApplyResult(lease_lost=True)
        payment = await session.get_one(Payment, order.id)
        kept = await _kept(session, order.id)
        came_at = arrived_at(
            arrivals,
            {output_id: output.arrived_at for output_id, output in kept.items()},
            # The clock of the process that placed the order may be ahead of ours.
            max(now, order.created_at),
        )
        prior = await _prior(session, order, payment, arrivals, kept)
        counted = [arrival for arrival in arrivals if arrival.id not in prior]
        receipts = evaluate_payment(
            _invoice(order, payment),
            counted,
            came_at,
            status=OrderStatus(order.status),
            valuation=valuation,
            now=now,
        )
        # The address and the amount are the order's own: they were asked about.
        report = Report(
            state=receipts.state,
            btc_amount=order.btc_amount,
            btc_dest_address=order.btc_dest_address,
            expires_at=payment.expires_at,
        )
        decision = evaluate_report(facts_of(order, uuid=None), report, now)
        unseen_for = now - payment.seen_at
        known_prior = {output_id for output_id, output in kept.items() if output.before_order}
        _keep_outputs(session, order, arrivals, kept=kept, prior=prior, came_at=came_at, now=now)
        _keep_receipts(payment, receipts, now)
        alarm = decision.alarm or prior_money_alarm(prior - known_prior)
        alarm = alarm or _unmatched_money(order, decision, receipts)
        return await carry_out(
            session,
            order,
            replace(decision, alarm=alarm),
            Observation(
                reported=report.state,
                evidence=evidence_of(receipts, arrivals, prior),
                expires_at=payment.expires_at,
                cause=job.lease_token,
            ),
            grant=Grant(receipts.credits, receipts.price_satoshi * SATOSHI),
            unseen_for=unseen_for if unseen_for > timedelta(0) else None,
            now=now,
        )


async def _prior(
    session: AsyncSession,
    order: Order,
    payment: Payment,
    arrivals: Sequence[ReceivedOutput],
    kept: Mapping[OutputId, BitcoinOutput],
) -> set[OutputId]:
    """Return the outputs that pay nothing: they came before the order, or settled another one."""
    if not arrivals:
        return set()
    known_height = await session.scalar(
        select(BitcoinAddress.known_height).where(BitcoinAddress.order_id == order.id)
    )
    placed = OrderPlacement(
        at=order.created_at,
        known_height=known_height,
        first_look=payment.seen_at == order.created_at,
        granted=order.granted_at is not None,
    )
    earlier = {
        output_id: EarlierSighting(output.before_order, output.block_height, output.arrived_at)
        for output_id, output in kept.items()
    }
    new = [arrival.id for arrival in arrivals if arrival.id not in kept]
    return await settlements.taken_of(session, new) | {
        arrival.id for arrival in arrivals if came_before(arrival, placed, earlier.get(arrival.id))
    }


def prior_money_alarm(found: Collection[OutputId]) -> str | None:
    """Name the alarm for outputs that turned out to pay nothing; None: there are none."""
    return "money_before_order" if found else None


def _unmatched_money(order: Order, decision: Decision, receipts: Receipts) -> str | None:
    if decision.grant:
        credited = receipts.credits * receipts.price_satoshi
    elif order.credits_granted is not None and order.grant_price_btc is not None:
        credited = in_satoshi(order.credits_granted * order.grant_price_btc)
    else:
        credited = in_satoshi(order.btc_amount)
    status = decision.move_to or OrderStatus(order.status)
    return unmatched_money(status, receipts.received_satoshi, credited)


def _invoice(order: Order, payment: Payment) -> Invoice:
    if (
        payment.expires_at is None
        or payment.late_until is None
        or payment.confirmations_wanted is None
    ):
        raise ValueError(f"order {order.id} has no terms of a payment in bitcoin")
    return Invoice(
        due_satoshi=in_satoshi(order.btc_amount),
        number_of_credits=order.number_of_credits,
        price_satoshi=in_satoshi(order.price_btc),
        expires_at=payment.expires_at,
        late_until=payment.late_until,
        confirmations_wanted=payment.confirmations_wanted,
    )


async def _kept(session: AsyncSession, order_id: str) -> dict[OutputId, BitcoinOutput]:
    outputs = await session.scalars(select(BitcoinOutput).where(BitcoinOutput.order_id == order_id))
    return {(output.txid, output.output_index): output for output in outputs}


def _keep_outputs(
    session: AsyncSession,
    order: Order,
    arrivals: Sequence[ReceivedOutput],
    *,
    kept: Mapping[OutputId, BitcoinOutput],
    prior: Collection[OutputId],
    came_at: Mapping[OutputId, datetime],
    now: datetime,
) -> None:
    """Keep what arrived, and mark what the chain no longer shows.

    One output is one row: the flush fails where another order has it. What credits were granted for
    keeps the time and the height that it was judged by.
    """
    granted = order.granted_at is not None
    for arrival in arrivals:
        output = kept.get(arrival.id)
        if output is None:
            output = BitcoinOutput(
                txid=arrival.txid,
                output_index=arrival.output_index,
                order_id=order.id,
                value_btc=arrival.value_satoshi * SATOSHI,
            )
            session.add(output)
        output.confirmations = arrival.confirmations
        output.replaceable = arrival.replaceable
        output.is_coinbase = arrival.is_coinbase
        output.gone_at = None
        if arrival.id in kept and granted:
            continue
        output.arrived_at = came_at[arrival.id]
        output.before_order = arrival.id in prior
        output.block_height = lowest_height(output.block_height, arrival.block_height)
    for gone in kept.keys() - came_at.keys():
        kept[gone].confirmations = 0
        kept[gone].gone_at = kept[gone].gone_at or now


def _keep_receipts(payment: Payment, receipts: Receipts, now: datetime) -> None:
    payment.state = receipts.state
    payment.received_btc = receipts.received_satoshi * SATOSHI
    payment.confirmed_btc = receipts.confirmed_satoshi * SATOSHI
    payment.confirmations_seen = receipts.confirmations
    payment.confirmations_needed = receipts.confirmations_wanted
    payment.seen_at = now


def evidence_of(
    receipts: Receipts, arrivals: Sequence[ReceivedOutput], prior: Collection[OutputId] = ()
) -> dict[str, Any]:
    """Return what the chain showed and what it came to, as JSON: amounts in satoshi.

    An output of `prior` is marked: it pays nothing.
    """
    return {
        **vars(receipts),
        "outputs": [
            {
                "txid": arrival.txid,
                "output_index": arrival.output_index,
                "value_satoshi": arrival.value_satoshi,
                "confirmations": arrival.confirmations,
                **({"before_order": True} if arrival.id in prior else {}),
            }
            for arrival in arrivals
        ],
    }
