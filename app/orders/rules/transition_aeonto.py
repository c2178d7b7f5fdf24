"""What a report of AEON.to, and what the chain says of it, does to an order: pure, for every store."""

from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from app.orders.rules.decision import (
    Decision,
    after_sightings,
    decide,
    is_due,
    seen_once_more,
)
from app.orders.rules.facts import AeontoObservation, AeontoOrder
from app.orders.rules.poll_schedule import creation_again
from app.orders.rules.settlement import (
    ALARM_AFTER,
    NEEDS_OPERATOR,
    Settlement,
    SettlementFault,
    Unverified,
    Verified,
)
from app.orders.rules.states import MOVES, NEEDS_FULL_IDENTITY, Move, OrderStatus
from app.orders.rules.transition import Columns, Grant, Transition, poll_after
from app.partners.aeonto.report import Report
from app.runtime.money import plain

UPSTREAM_STATES: Final = frozenset(OrderStatus) - {OrderStatus.FAILED, OrderStatus.CANCELLED}
_STATES_AT_CREATION: Final = frozenset({OrderStatus.TO_BE_CREATED, OrderStatus.UNPAID})
# What a report says that the order itself has; its own `created_at` is AEON.to's.
_NOT_KEPT: Final = frozenset({"uuid", "btc_amount", "btc_dest_address", "created_at"})


def transition(order: AeontoOrder, observation: AeontoObservation, now: datetime) -> Transition:
    """Say what a report does to an order; the first one, while it has no uuid, creates it.

    An answer to a creation about another amount or address, or in a state that no new order can
    have, is refused, and the order is created again.
    """
    if order.uuid is not None:
        return _after_report(order, observation, now)
    report = observation.report
    if (fault := creation_fault(order, report)) is not None:
        return Transition(
            reported=report.state,
            refused=fault,
            evidence=evidence_of(report),
            sighting=order.sighting,
            next_poll=creation_again(order.status, now),
        )
    created = {
        "uuid": report.uuid,
        "btc_amount": order.btc_amount,
        "btc_dest_address": order.btc_dest_address,
        "state": OrderStatus.TO_BE_CREATED,
        "seen_at": now,
    }
    order = replace(order, uuid=report.uuid, seen_at=now)
    return _after_report(order, observation, now, created=created)


def _after_report(
    order: AeontoOrder,
    observation: AeontoObservation,
    now: datetime,
    *,
    created: Columns | None = None,
) -> Transition:
    report, settlement = observation.report, observation.settlement
    decision = evaluate_report(order, report, now, settlement)
    payment = {**(created or {}), **_kept_of(order, report, decision, now)}
    unseen_for = None
    if decision.move_to and order.seen_at is not None and order.seen_at != now:
        unseen_for = now - order.seen_at
    sent = decision.move_to is OrderStatus.BTC_SENT
    return Transition(
        move_to=decision.move_to,
        grant=Grant(order.number_of_credits) if decision.grant else None,
        settlement=settlement if sent and isinstance(settlement, Verified) else None,
        reported=report.state,
        evidence=evidence_of(report, settlement),
        refused=decision.refused,
        alarm=decision.alarm,
        sighting=decision.sighting,
        payment=payment,
        unseen_for=unseen_for,
        next_poll=poll_after(
            order,
            decision.move_to,
            now,
            expires_at=report.expires_at if decision.believed else None,
            unsettled=decision.unsettled,
        ),
    )


def evaluate_report(
    order: AeontoOrder, report: Report, now: datetime, settlement: Settlement | None = None
) -> Decision:
    """Say what a report does to the status of an order that AEON.to has accepted.

    `settlement` is what the chain says of a report of BTC_SENT; None: the chain is not asked.
    """
    if report.state not in UPSTREAM_STATES:
        return Decision(refused="unknown_state", sighting=order.sighting)
    reported = OrderStatus(report.state)
    if fault := _identity_fault(order, report, reported):
        return Decision(refused=fault, sighting=order.sighting)
    if reported is OrderStatus.NOT_FOUND:
        return _not_found(order, now)
    climbs = MOVES[order.status, reported] is Move.AT_ONCE
    if climbs and reported is OrderStatus.BTC_SENT and isinstance(settlement, Unverified):
        return _unsettled(order, settlement.fault, now)
    return decide(order, reported, now)


def _unsettled(order: AeontoOrder, fault: SettlementFault, now: datetime) -> Decision:
    """Believe that the order was paid, and no more."""
    paid = OrderStatus.PAID
    moves = MOVES[order.status, paid] is Move.AT_ONCE
    alarm = None
    if fault in NEEDS_OPERATOR:
        alarm = fault
    elif order.claimed_at is not None and now - order.claimed_at >= ALARM_AFTER:
        alarm = SettlementFault.UNVERIFIED
    return Decision(
        move_to=paid if moves else None,
        grant=moves and is_due(order, paid),
        refused=fault,
        alarm=alarm,
        believed=True,
        unsettled=True,
    )


def creation_fault(order: AeontoOrder, report: Report) -> str | None:
    """Say why an answer to a creation is not about the order that was sent; None: it is."""
    if not report.uuid:
        return "missing_uuid"
    if order.uuid_is_taken:
        return "uuid_of_another_order"
    if report.btc_dest_address != order.btc_dest_address:
        return "mismatch_btc_dest_address"
    if report.btc_amount != order.btc_amount:
        return "mismatch_btc_amount"
    # Nobody can have paid to an address that was never shown.
    if report.state in UPSTREAM_STATES - _STATES_AT_CREATION:
        return "state_at_creation"
    return None


def _identity_fault(order: AeontoOrder, report: Report, reported: OrderStatus) -> str | None:
    claims = (
        ("uuid", report.uuid, order.uuid),
        ("btc_dest_address", report.btc_dest_address, order.btc_dest_address),
        ("btc_amount", report.btc_amount, order.btc_amount),
    )
    for name, said, ours in claims:
        if said is not None and said != ours:
            return f"mismatch_{name}"
        if said is None and reported in NEEDS_FULL_IDENTITY:
            return f"missing_{name}"
    return None


def _not_found(order: AeontoOrder, now: datetime) -> Decision:
    if MOVES[order.status, OrderStatus.NOT_FOUND] is Move.AFTER_SIGHTINGS:
        return after_sightings(order, OrderStatus.NOT_FOUND, now, alarm=None)
    if order.status not in (OrderStatus.PAID_UNCONFIRMED, OrderStatus.PAID):
        return Decision()
    seen = seen_once_more(order.sighting, OrderStatus.NOT_FOUND, now)
    if not seen.believed(now):
        return Decision(sighting=seen)
    return Decision(refused="not_found_after_payment", alarm="not_found_after_payment")


def _kept_of(order: AeontoOrder, report: Report, decision: Decision, now: datetime) -> Columns:
    """Return the columns of the payment that a report changes.

    What a believed report leaves out stays as it was last said.
    """
    if not decision.believed:
        return {}
    said = {
        name: value
        for name, value in vars(report).items()
        if value is not None and name not in _NOT_KEPT
    }
    if report.created_at is not None:
        said["upstream_created_at"] = report.created_at
    if decision.unsettled:
        said["settlement_claimed_at"] = order.claimed_at or now
    return {**said, "seen_at": now}


def evidence_of(report: Report, settlement: Settlement | None = None) -> dict[str, Any]:
    """Return what a report said, as JSON: amounts as decimal strings, times as RFC 3339.

    What the chain said of it, if it was asked, is in it under `settlement`.
    """
    said = {name: _json(value) for name, value in vars(report).items() if value is not None}
    if settlement is None:
        return said
    shown = {name: _json(value) for name, value in vars(settlement).items()}
    return {**said, "settlement": shown}


def _json(value: object) -> object:
    if isinstance(value, Decimal):
        return plain(value)
    if isinstance(value, tuple):
        return list(value)
    return value.isoformat() if isinstance(value, datetime) else value
