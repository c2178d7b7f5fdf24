"""The moves of an order that no report makes: it fails, is cancelled, or an operator ends it."""

from datetime import datetime

from app.orders.rules.facts import OrderFacts
from app.orders.rules.states import MOVES, Move, OrderStatus
from app.orders.rules.transition import Grant, OrderFailureReason, Transition, poll_after


def refusal(order: OrderFacts) -> Transition:
    """End an order that its partner refused for good, unless it was cancelled meanwhile."""
    if order.status is not OrderStatus.CANCELLED:
        return failure(order, OrderFailureReason.REFUSED)
    return Transition(
        reported=order.status, sighting=order.sighting, failures=order.failures, next_poll=None
    )


def failure(order: OrderFacts, why: OrderFailureReason) -> Transition:
    """End an order without its credits."""
    return Transition(
        move_to=OrderStatus.FAILED,
        reason=why,
        failure_reason=why,
        reported=order.status,
        sighting=order.sighting,
        failures=order.failures,
        next_poll=None,
    )


def cancellation(
    order: OrderFacts, *, reason: str, cancelled_by: str, accepted: bool, now: datetime
) -> Transition | None:
    """Cancel an order; None: its state does not allow it, for money may have moved.

    `accepted`: it can be paid. What AEON.to never accepted cannot, and needs no look.
    """
    if MOVES[order.status, OrderStatus.CANCELLED] is not Move.CANCEL:
        return None
    return Transition(
        move_to=OrderStatus.CANCELLED,
        reason=reason,
        reported=order.status,
        evidence={"cancelled_by": cancelled_by},
        failures=order.failures,
        next_poll=poll_after(order, OrderStatus.CANCELLED, now) if accepted else None,
        keeps_lease=True,
    )


def resolution(
    order: OrderFacts, *, grant: bool, reason: str, settled_by: str, watched: bool, now: datetime
) -> Transition | None:
    """End an order as an operator decides; None: its state leaves no such move.

    `grant` moves it into its granting state, with its credits, or to BTC_SENT when it has them
    already; otherwise it fails. `watched`: its payment is still looked at.
    """
    to_status = OrderStatus.FAILED
    if grant:
        to_status = OrderStatus.BTC_SENT if order.granted else order.granting_status
    if MOVES[order.status, to_status] in (Move.ILLEGAL, Move.STAY):
        return None
    return Transition(
        move_to=to_status,
        reason=reason,
        reported=order.status,
        evidence={"settled_by": settled_by},
        grant=Grant(order.number_of_credits) if grant and not order.granted else None,
        failure_reason=None if grant else OrderFailureReason.CLOSED,
        failures=order.failures,
        next_poll=poll_after(order, to_status, now) if watched else None,
    )
