"""What an observed state means under the table of moves, whichever rail observed it."""

from dataclasses import dataclass
from datetime import datetime

from app.orders.rules.facts import OrderFacts, Sighting
from app.orders.rules.states import MOVES, Move, OrderStatus, grants


@dataclass(frozen=True, kw_only=True)
class Decision:
    """What follows from a state that was observed.

    `move_to`: the new status, if any; `grant`: credits are due with the move; `refused`: why the
    observation moves nothing and must leave an event; `sighting`: what to remember for the next
    look; `alarm`: what the operator must hear; `believed`: the observation is about this order, so
    that its payment details may be kept; `unsettled`: it claims what the chain does not bear out.
    """

    move_to: OrderStatus | None = None
    grant: bool = False
    refused: str | None = None
    sighting: Sighting | None = None
    alarm: str | None = None
    believed: bool = False
    unsettled: bool = False


def decide(order: OrderFacts, reported: OrderStatus, now: datetime) -> Decision:
    """Say what a state that is about this order does to it, by the table of moves."""
    match MOVES[order.status, reported]:
        case Move.STAY:
            return Decision(believed=True)
        case Move.AT_ONCE:
            return Decision(move_to=reported, grant=is_due(order, reported), believed=True)
        case Move.AFTER_SIGHTINGS:
            return after_sightings(order, reported, now, alarm="payment_reorganised_away")
        case Move.OWN | Move.OPERATOR | Move.CANCEL | Move.ILLEGAL:
            return Decision(refused="illegal_move", sighting=order.sighting)


def is_due(order: OrderFacts, status: OrderStatus) -> bool:
    """Say whether credits are due when an order reaches a status."""
    return not order.granted and grants(status, order.granting_status)


def after_sightings(
    order: OrderFacts, reported: OrderStatus, now: datetime, *, alarm: str | None
) -> Decision:
    """Move with an alarm once a state was seen often enough; remember it until then."""
    seen = seen_once_more(order.sighting, reported, now)
    if not seen.believed(now):
        return Decision(sighting=seen)
    return Decision(move_to=reported, alarm=alarm, believed=reported is not OrderStatus.NOT_FOUND)


def seen_once_more(last: Sighting | None, reported: OrderStatus, now: datetime) -> Sighting:
    """Return the sighting of a state that is seen now, after the last one."""
    if last is not None and last.status is reported:
        return last.again()
    return Sighting(reported, 1, now)
