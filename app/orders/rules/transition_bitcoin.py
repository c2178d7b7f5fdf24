"""What the chain shows at the address of an order does to the order: pure, for every store."""

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from app.orders.rules.bitcoin_payments import (
    PaymentSummary,
    arrived_at,
    evaluate_payment,
    unmatched_money,
)
from app.orders.rules.decision import Decision, decide, seen_once_more
from app.orders.rules.facts import BitcoinObservation, BitcoinOrder
from app.orders.rules.prior_money import OrderPlacement, came_before, lowest_height
from app.orders.rules.states import OrderStatus
from app.orders.rules.transition import Columns, Grant, Transition, poll_after
from app.partners.esplora.outputs import OutputId, ReceivedOutput
from app.runtime.money import SATOSHI, in_satoshi

# Where an order in bitcoin ends; its address is watched on.
_ENDED: Final = frozenset({OrderStatus.PAID, OrderStatus.FAILED})


def transition(order: BitcoinOrder, observation: BitcoinObservation, now: datetime) -> Transition:
    """Say what has arrived at the address of an order does to it."""
    arrivals = {arrival.id: arrival for arrival in observation.arrivals}
    came_at = arrived_at(
        observation.arrivals,
        {output_id: output.arrived_at for output_id, output in order.outputs.items()},
        # The clock of the process that placed the order may be ahead of ours.
        max(now, order.created_at),
    )
    prior = _prior_to(order, arrivals)
    paid = evaluate_payment(
        order.invoice,
        [arrival for output_id, arrival in arrivals.items() if output_id not in prior],
        came_at,
        status=order.status,
        valuation=order.valuation,
        now=now,
    )
    decision = evaluate_state(order, paid.state, now)
    newly_prior = prior - {each for each, output in order.outputs.items() if output.before_order}
    alarm = decision.alarm or ("money_before_order" if newly_prior else None)
    unseen_for = now - order.seen_at
    return Transition(
        move_to=decision.move_to,
        grant=Grant(paid.credits, paid.price_satoshi * SATOSHI) if decision.grant else None,
        reported=paid.state,
        evidence=_evidence_of(paid, arrivals, prior),
        refused=decision.refused,
        alarm=alarm or _unmatched_money(order, decision, paid),
        sighting=decision.sighting,
        payment=_kept_of(paid, now),
        outputs=_outputs_of(order, arrivals, came_at, prior, now),
        unseen_for=unseen_for if decision.move_to and unseen_for > timedelta(0) else None,
        next_poll=poll_after(order, decision.move_to, now, expires_at=order.invoice.expires_at),
    )


def evaluate_state(order: BitcoinOrder, reported: OrderStatus, now: datetime) -> Decision:
    """Say what the state that the money puts an order in does to its status."""
    if order.status in _ENDED:
        return _after_the_end(order, reported, now)
    return decide(order, reported, now)


def _after_the_end(order: BitcoinOrder, reported: OrderStatus, now: datetime) -> Decision:
    """Watch an address whose order is over: what comes or goes there is reported, and moves nothing."""
    if order.status is OrderStatus.FAILED or reported is OrderStatus.PAID or order.granted_by_hand:
        return Decision(believed=True)
    # In which way it is no longer paid for does not matter.
    seen = seen_once_more(order.sighting, OrderStatus.PAID_UNCONFIRMED, now)
    gone = seen.believed(now)
    return Decision(sighting=seen, alarm="granted_payment_gone" if gone else None, believed=True)


def _prior_to(order: BitcoinOrder, arrivals: Mapping[OutputId, ReceivedOutput]) -> set[OutputId]:
    """Return the outputs that pay nothing: they came before the order, or settled another one."""
    placed = OrderPlacement(
        at=order.created_at,
        known_height=order.known_height,
        first_look=order.seen_at == order.created_at,
        granted=order.granted,
    )
    return {
        output_id
        for output_id, arrival in arrivals.items()
        if came_before(arrival, placed, order.outputs.get(output_id))
        or (output_id in order.settled and output_id not in order.outputs)
    }


def _unmatched_money(order: BitcoinOrder, decision: Decision, paid: PaymentSummary) -> str | None:
    credited = in_satoshi(order.btc_amount)
    if decision.grant:
        credited = paid.credits * paid.price_satoshi
    elif order.credits_granted is not None and order.grant_price_btc is not None:
        credited = in_satoshi(order.credits_granted * order.grant_price_btc)
    return unmatched_money(decision.move_to or order.status, paid.received_satoshi, credited)


def _outputs_of(
    order: BitcoinOrder,
    arrivals: Mapping[OutputId, ReceivedOutput],
    came_at: Mapping[OutputId, datetime],
    prior: Collection[OutputId],
    now: datetime,
) -> dict[OutputId, Columns]:
    """Return what changes of each output: of what arrived, and of what the chain no longer shows.

    What credits were granted for keeps the time and the height that it was judged by.
    """
    changes: dict[OutputId, Columns] = {}
    for output_id, arrival in arrivals.items():
        kept = order.outputs.get(output_id)
        shown: dict[str, Any] = {
            "confirmations": arrival.confirmations,
            "replaceable": arrival.replaceable,
            "is_coinbase": arrival.is_coinbase,
            "gone_at": None,
        }
        if kept is None:
            shown["value_btc"] = arrival.value_satoshi * SATOSHI
        if kept is None or not order.granted:
            height = kept.block_height if kept else None
            shown["arrived_at"] = came_at[output_id]
            shown["before_order"] = output_id in prior
            shown["block_height"] = lowest_height(height, arrival.block_height)
        changes[output_id] = shown
    for output_id in order.outputs.keys() - arrivals.keys():
        gone_at = order.outputs[output_id].gone_at or now
        changes[output_id] = {"confirmations": 0, "gone_at": gone_at}
    return changes


def _kept_of(paid: PaymentSummary, now: datetime) -> Columns:
    """Return the columns of the payment that change."""
    return {
        "state": paid.state,
        "received_btc": paid.received_satoshi * SATOSHI,
        "confirmed_btc": paid.confirmed_satoshi * SATOSHI,
        "confirmations_seen": paid.confirmations,
        "confirmations_needed": paid.confirmations_wanted,
        "seen_at": now,
    }


def _evidence_of(
    paid: PaymentSummary,
    arrivals: Mapping[OutputId, ReceivedOutput],
    prior: Collection[OutputId],
) -> dict[str, Any]:
    """Return what the chain showed and what it came to, as JSON: amounts in satoshi.

    An output of `prior` is marked: it pays nothing.
    """
    return {
        **vars(paid),
        "outputs": [
            {
                "txid": arrival.txid,
                "output_index": arrival.output_index,
                "value_satoshi": arrival.value_satoshi,
                "confirmations": arrival.confirmations,
                **({"before_order": True} if output_id in prior else {}),
            }
            for output_id, arrival in arrivals.items()
        ],
    }
