"""Every pair of states, typed from docs/order-states.md and not read from the table under test."""

from itertools import product

import pytest

from app.orders.rules.states import (
    LADDER,
    MOVES,
    NEEDS_FULL_IDENTITY,
    Move,
    OrderStatus,
    grants,
)
from tests.support.cases import each_case

STATES = (
    "TO_BE_CREATED",
    "UNPAID",
    "UNDERPAID",
    "PAID_UNCONFIRMED",
    "PAID",
    "BTC_SENT",
    "TIMED_OUT",
    "NOT_FOUND",
    "FAILED",
    "CANCELLED",
)

# One report that matches the order is enough.
CLIMBS = {
    ("TO_BE_CREATED", "UNPAID"),
    ("TO_BE_CREATED", "UNDERPAID"),
    ("TO_BE_CREATED", "PAID_UNCONFIRMED"),
    ("TO_BE_CREATED", "PAID"),
    ("TO_BE_CREATED", "BTC_SENT"),
    ("UNPAID", "UNDERPAID"),
    ("UNPAID", "PAID_UNCONFIRMED"),
    ("UNPAID", "PAID"),
    ("UNPAID", "BTC_SENT"),
    ("UNDERPAID", "PAID_UNCONFIRMED"),
    ("UNDERPAID", "PAID"),
    ("UNDERPAID", "BTC_SENT"),
    ("PAID_UNCONFIRMED", "PAID"),
    ("PAID_UNCONFIRMED", "BTC_SENT"),
    ("PAID", "BTC_SENT"),
}
TIME_OUTS = {
    ("TO_BE_CREATED", "TIMED_OUT"),
    ("UNPAID", "TIMED_OUT"),
    ("UNDERPAID", "TIMED_OUT"),
}
LATE_PAYMENTS = {
    ("TIMED_OUT", "UNPAID"),
    ("TIMED_OUT", "UNDERPAID"),
    ("TIMED_OUT", "PAID_UNCONFIRMED"),
    ("TIMED_OUT", "PAID"),
    ("TIMED_OUT", "BTC_SENT"),
    ("CANCELLED", "UNDERPAID"),
    ("CANCELLED", "PAID_UNCONFIRMED"),
    ("CANCELLED", "PAID"),
    ("CANCELLED", "BTC_SENT"),
}
FOUND_AGAIN = {
    ("NOT_FOUND", "TO_BE_CREATED"),
    ("NOT_FOUND", "UNPAID"),
    ("NOT_FOUND", "UNDERPAID"),
    ("NOT_FOUND", "PAID_UNCONFIRMED"),
    ("NOT_FOUND", "PAID"),
    ("NOT_FOUND", "BTC_SENT"),
}
# The same report 3 times over 10 minutes.
REORGANISATIONS = {
    ("PAID_UNCONFIRMED", "UNPAID"),
    ("PAID_UNCONFIRMED", "UNDERPAID"),
    ("PAID_UNCONFIRMED", "TIMED_OUT"),
}
GONE_UPSTREAM = {
    ("TO_BE_CREATED", "NOT_FOUND"),
    ("UNPAID", "NOT_FOUND"),
    ("UNDERPAID", "NOT_FOUND"),
}
# Nobody upstream can say so.
REFUSED_OR_OVERDUE = {("TO_BE_CREATED", "FAILED")}
CLOSED_BY_OPERATOR = {
    ("UNPAID", "FAILED"),
    ("UNDERPAID", "FAILED"),
    ("PAID_UNCONFIRMED", "FAILED"),
    ("PAID", "FAILED"),
    ("TIMED_OUT", "FAILED"),
    ("NOT_FOUND", "FAILED"),
    ("CANCELLED", "FAILED"),
}
CANCELLED_UNPAID = {("TO_BE_CREATED", "CANCELLED"), ("UNPAID", "CANCELLED")}
# What upstream says of an order that it does not know to be cancelled.
HEARD_AND_LEFT = {
    ("CANCELLED", "TO_BE_CREATED"),
    ("CANCELLED", "UNPAID"),
    ("CANCELLED", "TIMED_OUT"),
}


def expected(before: str, after: str) -> Move:
    """Return what a pair means."""
    pair = (before, after)
    if before == after or pair in HEARD_AND_LEFT:
        return Move.STAY
    if pair in CANCELLED_UNPAID:
        return Move.CANCEL
    if pair in CLIMBS | TIME_OUTS | LATE_PAYMENTS | FOUND_AGAIN:
        return Move.AT_ONCE
    if pair in REORGANISATIONS | GONE_UPSTREAM:
        return Move.AFTER_SIGHTINGS
    if pair in REFUSED_OR_OVERDUE:
        return Move.OWN
    return Move.OPERATOR if pair in CLOSED_BY_OPERATOR else Move.ILLEGAL


@each_case(("before", "after"), list(product(STATES, STATES)))
def test_pair_is_what_the_design_says(before: str, after: str) -> None:
    assert MOVES[OrderStatus(before), OrderStatus(after)] is expected(before, after)


def test_table_holds_every_pair_and_no_other() -> None:
    assert {(str(before), str(after)) for before, after in MOVES} == set(product(STATES, STATES))


def test_table_cannot_be_changed() -> None:
    with pytest.raises(TypeError):
        MOVES[OrderStatus.FAILED, OrderStatus.PAID] = Move.AT_ONCE  # type: ignore[index]


def test_ladder_and_the_states_that_need_an_identity() -> None:
    climb = ("TO_BE_CREATED", "UNPAID", "UNDERPAID", "PAID_UNCONFIRMED", "PAID", "BTC_SENT")
    assert climb == LADDER
    assert {"PAID_UNCONFIRMED", "PAID", "BTC_SENT"} == NEEDS_FULL_IDENTITY


@each_case("status", STATES)
def test_credits_are_due_in_or_past_the_granting_state_alone(status: str) -> None:
    assert grants(OrderStatus(status), OrderStatus.BTC_SENT) is (status == "BTC_SENT")
    assert grants(OrderStatus(status), OrderStatus.PAID) is (status in {"PAID", "BTC_SENT"})
