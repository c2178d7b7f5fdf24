"""What a report about one order means: one pure function that every store executes.

AEON.to makes its own reports. Of a payment in bitcoin, the reader of the chain makes one, in the same
words (`app.orders.rules.bitcoin_payments`).
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from app.orders.rules.rails import Rail
from app.orders.rules.settlement import (
    ALARM_AFTER,
    NEEDS_OPERATOR,
    Settlement,
    SettlementFault,
    Unverified,
)
from app.orders.rules.states import MOVES, NEEDS_FULL_IDENTITY, Move, OrderStatus, grants
from app.partners.aeonto.report import Report

# Where an order in bitcoin ends; its address is watched on.
_ENDED_ON_THE_CHAIN: Final = frozenset({OrderStatus.PAID, OrderStatus.FAILED})
SIGHTINGS_NEEDED: Final = 3
SIGHTINGS_SPAN: Final = timedelta(minutes=10)
UPSTREAM_STATES: Final = frozenset(OrderStatus) - {OrderStatus.FAILED, OrderStatus.CANCELLED}
_STATES_AT_CREATION: Final = frozenset({OrderStatus.TO_BE_CREATED, OrderStatus.UNPAID})


@dataclass(frozen=True)
class Sighting:
    """A report that must be seen several times before it is believed."""

    status: OrderStatus
    count: int
    since: datetime

    def again(self) -> "Sighting":
        """Return this sighting, seen once more."""
        return replace(self, count=self.count + 1)

    def believed(self, now: datetime) -> bool:
        """Say whether it was seen often enough, over long enough."""
        return self.count >= SIGHTINGS_NEEDED and now - self.since >= SIGHTINGS_SPAN


@dataclass(frozen=True, kw_only=True)
class OrderFacts:
    """What `evaluate_report` needs to know of an order.

    `uuid` is AEON.to's name for it, and None on the bitcoin rail. `claimed_at` is when AEON.to first
    said of it what the chain did not bear out; `granted_by_hand`: an operator granted the credits.
    """

    rail: Rail
    status: OrderStatus
    granting_status: OrderStatus
    granted: bool
    uuid: str | None
    btc_amount: Decimal
    btc_dest_address: str
    sighting: Sighting | None
    claimed_at: datetime | None = None
    granted_by_hand: bool = False


@dataclass(frozen=True, kw_only=True)
class Decision:
    """What follows from a report.

    `move_to`: the new status, if any; `grant`: credits are due with the move; `refused`: why the
    report moves nothing and must leave an event; `sighting`: what to remember for the next look;
    `alarm`: what the operator must hear; `believed`: the report is about this order, so that its
    payment details may be kept; `unsettled`: it claims what the chain does not bear out.
    """

    move_to: OrderStatus | None = None
    grant: bool = False
    refused: str | None = None
    sighting: Sighting | None = None
    alarm: str | None = None
    believed: bool = False
    unsettled: bool = False


def evaluate_report(
    order: OrderFacts, report: Report, now: datetime, settlement: Settlement | None = None
) -> Decision:
    """Say what a report does to an order. Pure: it reads no clock and keeps nothing.

    `settlement` is what the chain says of a report of BTC_SENT; None: the chain is not asked.
    """
    if report.state not in UPSTREAM_STATES:
        return Decision(refused="unknown_state", sighting=order.sighting)
    reported = OrderStatus(report.state)
    if fault := _identity_fault(order, report, reported):
        return Decision(refused=fault, sighting=order.sighting)
    if reported is OrderStatus.NOT_FOUND:
        return _not_found(order, now)
    if order.rail is Rail.BITCOIN and order.status in _ENDED_ON_THE_CHAIN:
        return _after_the_end(order, reported, now)
    match MOVES[order.status, reported]:
        case Move.STAY:
            return Decision(believed=True)
        case Move.AT_ONCE:
            if reported is OrderStatus.BTC_SENT and isinstance(settlement, Unverified):
                return _unsettled(order, settlement.fault, now)
            grant = not order.granted and grants(reported, order.granting_status)
            return Decision(move_to=reported, grant=grant, believed=True)
        case Move.AFTER_SIGHTINGS:
            return _seen_again(order, reported, now, alarm="payment_reorganised_away")
        case Move.OWN | Move.OPERATOR | Move.CANCEL | Move.ILLEGAL:
            return Decision(refused="illegal_move", sighting=order.sighting)


def _after_the_end(order: OrderFacts, reported: OrderStatus, now: datetime) -> Decision:
    """Watch an address whose order is over: what comes or goes there is reported, and moves nothing."""
    if order.status is OrderStatus.FAILED or reported is OrderStatus.PAID or order.granted_by_hand:
        return Decision(believed=True)
    # In which way it is no longer paid for does not matter.
    seen = _seen_once_more(order.sighting, OrderStatus.PAID_UNCONFIRMED, now)
    gone = seen.believed(now)
    return Decision(sighting=seen, alarm="granted_payment_gone" if gone else None, believed=True)


def _unsettled(order: OrderFacts, fault: SettlementFault, now: datetime) -> Decision:
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
        grant=moves and not order.granted and grants(paid, order.granting_status),
        refused=fault,
        alarm=alarm,
        believed=True,
        unsettled=True,
    )


def creation_fault(
    report: Report, *, btc_amount: Decimal, btc_dest_address: str, uuid_is_taken: bool
) -> str | None:
    """Say why an answer to a creation is not about the order that was sent; None: it is.

    `uuid_is_taken`: another order of ours has this uuid.
    """
    if not report.uuid:
        return "missing_uuid"
    if uuid_is_taken:
        return "uuid_of_another_order"
    if report.btc_dest_address != btc_dest_address:
        return "mismatch_btc_dest_address"
    if report.btc_amount != btc_amount:
        return "mismatch_btc_amount"
    # Nobody can have paid to an address that was never shown.
    if report.state in UPSTREAM_STATES - _STATES_AT_CREATION:
        return "state_at_creation"
    return None


def payment_details(report: Report) -> dict[str, Any]:
    """Return what a believed report says about a payment, by the names that it is kept under.

    What the report leaves out is not in it, and stays as it was last said.
    """
    said = {
        name: value
        for name, value in vars(report).items()
        if value is not None and name not in ("uuid", "btc_amount", "btc_dest_address")
    }
    if "created_at" in said:
        said["upstream_created_at"] = said.pop("created_at")
    return said


def _identity_fault(order: OrderFacts, report: Report, reported: OrderStatus) -> str | None:
    claims = (
        ("uuid", report.uuid, order.uuid),
        ("btc_dest_address", report.btc_dest_address, order.btc_dest_address),
        ("btc_amount", report.btc_amount, order.btc_amount),
    )
    for name, said, ours in claims:
        if ours is None:
            continue
        if said is not None and said != ours:
            return f"mismatch_{name}"
        if said is None and reported in NEEDS_FULL_IDENTITY:
            return f"missing_{name}"
    return None


def _not_found(order: OrderFacts, now: datetime) -> Decision:
    if MOVES[order.status, OrderStatus.NOT_FOUND] is Move.AFTER_SIGHTINGS:
        return _seen_again(order, OrderStatus.NOT_FOUND, now, alarm=None)
    if order.status not in (OrderStatus.PAID_UNCONFIRMED, OrderStatus.PAID):
        return Decision()
    seen = _seen_once_more(order.sighting, OrderStatus.NOT_FOUND, now)
    if not seen.believed(now):
        return Decision(sighting=seen)
    return Decision(refused="not_found_after_payment", alarm="not_found_after_payment")


def _seen_again(
    order: OrderFacts, reported: OrderStatus, now: datetime, *, alarm: str | None
) -> Decision:
    seen = _seen_once_more(order.sighting, reported, now)
    if not seen.believed(now):
        return Decision(sighting=seen)
    return Decision(move_to=reported, alarm=alarm, believed=reported is not OrderStatus.NOT_FOUND)


def _seen_once_more(last: Sighting | None, reported: OrderStatus, now: datetime) -> Sighting:
    if last is not None and last.status is reported:
        return last.again()
    return Sighting(reported, 1, now)
