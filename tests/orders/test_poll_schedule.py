"""When an order is looked at next: never forgotten while open, seldom once it is over."""

from datetime import UTC, datetime, timedelta

import pytest

from app.orders.rules.poll_schedule import Urgency, next_poll, poll_when_requested
from app.orders.rules.rails import Rail
from app.orders.rules.states import OrderStatus
from tests.support.cases import each_case

NOW = datetime(2026, 1, 11, 12, 46, 3, tzinfo=UTC)
OPEN = ("TO_BE_CREATED", "UNPAID", "UNDERPAID", "PAID_UNCONFIRMED", "PAID")
CLOSED = ("TIMED_OUT", "NOT_FOUND")


def pause(status: str, age: timedelta) -> timedelta | None:
    """Return how long an order rests that has been in its state for `age`."""
    look = next_poll(
        OrderStatus(status), rail=Rail.AEONTO, since=NOW - age, expires_at=None, now=NOW
    )
    return look.at - NOW if look else None


@each_case("status", OPEN)
@each_case("minutes", [0, 1, 14, 31, 60 * 24 * 30])
def test_open_order_is_always_due_again(status: str, minutes: int) -> None:
    rest = pause(status, timedelta(minutes=minutes))
    assert rest is not None
    assert timedelta(0) < rest <= timedelta(minutes=5)


def test_order_without_an_address_is_looked_at_fast() -> None:
    assert pause("TO_BE_CREATED", timedelta(minutes=1)) == timedelta(seconds=2)


@each_case("status", OPEN)
def test_rhythm_slows_down_with_age_and_never_speeds_up(status: str) -> None:
    rests = [pause(status, timedelta(minutes=minutes)) for minutes in range(0, 150, 3)]
    assert rests == sorted(rests, key=lambda rest: rest or timedelta(0))
    assert rests[-1] == timedelta(minutes=1)
    assert pause(status, timedelta(days=2)) == timedelta(minutes=5)


# reliability: every 60 s for 30 min, then every 10 min to 2 h, then hourly to 24 h.
@each_case("status", CLOSED)
@each_case(
    ("age", "rest"),
    [
        (timedelta(0), timedelta(minutes=1)),
        (timedelta(minutes=29), timedelta(minutes=1)),
        (timedelta(minutes=30), timedelta(minutes=10)),
        (timedelta(minutes=119), timedelta(minutes=10)),
        (timedelta(hours=2), timedelta(hours=1)),
        (timedelta(hours=23), timedelta(hours=1)),
        (timedelta(hours=24), None),
        (timedelta(days=9), None),
    ],
)
def test_late_payments_are_waited_for_for_a_day(
    status: str, age: timedelta, rest: timedelta | None
) -> None:
    assert pause(status, age) == rest


@pytest.mark.parametrize("status", ["BTC_SENT", "FAILED"])
def test_final_order_is_never_looked_at_again(status: str) -> None:
    assert pause(status, timedelta(0)) is None


def urgency(status: str, age: timedelta, expires_in: timedelta | None = None) -> Urgency | None:
    """Return how urgent the next look is."""
    expires_at = None if expires_in is None else NOW + expires_in
    look = next_poll(
        OrderStatus(status), rail=Rail.AEONTO, since=NOW - age, expires_at=expires_at, now=NOW
    )
    return look.urgency if look else None


def test_urgency_is_by_who_waits() -> None:
    fresh, old = timedelta(minutes=1), timedelta(minutes=3)
    assert urgency("TO_BE_CREATED", fresh) is Urgency.ADDRESS
    assert urgency("TO_BE_CREATED", old) is Urgency.OPEN
    assert urgency("UNPAID", old, timedelta(minutes=1)) is Urgency.EXPIRING
    assert urgency("UNDERPAID", old, timedelta(minutes=-1)) is Urgency.EXPIRING
    assert urgency("UNPAID", old, timedelta(minutes=9)) is Urgency.OPEN
    assert urgency("PAID", old, timedelta(minutes=1)) is Urgency.OPEN
    assert urgency("TIMED_OUT", old, timedelta(minutes=-1)) is Urgency.AFTERMATH
    assert sorted(Urgency) == [
        Urgency.AFTERMATH,
        Urgency.OPEN,
        Urgency.ASKED,
        Urgency.EXPIRING,
        Urgency.ADDRESS,
    ]


@each_case("status", ["UNPAID", "UNDERPAID", "PAID_UNCONFIRMED", "PAID"])
def test_open_order_that_somebody_asks_about_is_due_in_two_seconds(status: str) -> None:
    look = poll_when_requested(OrderStatus(status), NOW, rail=Rail.AEONTO)
    assert look is not None
    assert (look.at - NOW, look.urgency) == (timedelta(seconds=2), Urgency.ASKED)


@pytest.mark.parametrize("status", CLOSED)
def test_asking_brings_a_closed_order_forward_to_a_minute_and_makes_it_no_more_urgent(
    status: str,
) -> None:
    look = poll_when_requested(OrderStatus(status), NOW, rail=Rail.AEONTO)
    assert look is not None
    assert (look.at - NOW, look.urgency) == (timedelta(minutes=1), Urgency.AFTERMATH)


@each_case("status", ["TO_BE_CREATED", "BTC_SENT", "FAILED"])
def test_asking_hastens_neither_a_creation_nor_what_is_over(status: str) -> None:
    assert poll_when_requested(OrderStatus(status), NOW, rail=Rail.AEONTO) is None


@each_case(
    ("age", "rest"),
    [
        (timedelta(0), timedelta(seconds=30)),
        (timedelta(minutes=45), timedelta(seconds=30)),
        (timedelta(hours=3), timedelta(minutes=1)),
        (timedelta(hours=25), timedelta(minutes=5)),
    ],
)
def test_unsettled_order_is_looked_at_every_30_seconds_at_most(
    age: timedelta, rest: timedelta
) -> None:
    look = next_poll(
        OrderStatus.PAID,
        rail=Rail.AEONTO,
        since=NOW - age,
        expires_at=None,
        now=NOW,
        unsettled=True,
    )
    assert look is not None
    assert (look.at - NOW, look.urgency) == (rest, Urgency.OPEN)


@each_case(
    ("age", "rest"),
    [
        (timedelta(0), timedelta(minutes=10)),
        (timedelta(hours=1, minutes=59), timedelta(minutes=10)),
        (timedelta(hours=2), timedelta(hours=1)),
        (timedelta(hours=23), timedelta(hours=1)),
        (timedelta(days=2), timedelta(days=1)),
        (timedelta(days=31), timedelta(days=7)),
    ],
)
def test_bitcoin_that_was_granted_for_is_watched_ever_more_rarely(
    age: timedelta, rest: timedelta
) -> None:
    look = next_poll(OrderStatus.PAID, rail=Rail.BITCOIN, since=NOW - age, expires_at=None, now=NOW)
    assert look is not None
    assert (look.at - NOW, look.urgency) == (rest, Urgency.AFTERMATH)


def test_asking_does_not_hasten_a_block() -> None:
    assert poll_when_requested(OrderStatus.PAID, NOW, rail=Rail.AEONTO, unsettled=True) is None
