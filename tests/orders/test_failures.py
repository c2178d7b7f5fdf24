"""A failure that needs a person rings at the third in a row, ten minutes after the first."""

from datetime import UTC, datetime, timedelta

from app.orders.rules.facts import Failures
from app.orders.rules.failures import after_failure

START = datetime(2026, 1, 1, tzinfo=UTC)
DISAGREE = "chain_servers_disagree"


def rung_at(*minutes: float, alarm: str | None = DISAGREE) -> list[str | None]:
    """Return what rings at failures so many minutes after the first."""
    failures, rung = None, []
    for after in minutes:
        failures, rings = after_failure(failures, alarm, START + timedelta(minutes=after))
        rung.append(rings)
    return rung


def test_alarm_needs_three_failures_over_ten_minutes() -> None:
    assert rung_at(0, 60) == [None, None]
    assert rung_at(0, 1, 2, 9.99) == [None] * 4
    assert rung_at(0, 1, 10) == [None, None, DISAGREE]
    assert rung_at(0, 10, 10.1, 11) == [None, None, DISAGREE, DISAGREE]


def test_failures_that_call_for_nobody_neither_count_nor_end_a_row() -> None:
    assert rung_at(0, 5, 60, alarm=None) == [None] * 3
    row = Failures(2, START)
    assert after_failure(row, None, START + timedelta(hours=1)) == (row, None)


def test_order_that_is_set_aside_rings_at_once_and_counts_for_nothing() -> None:
    assert rung_at(0, alarm="order_set_aside") == ["order_set_aside"]
    row = Failures(1, START)
    assert after_failure(row, "order_set_aside", START) == (row, "order_set_aside")
