"""The rules of the throttles: when a budget is used up, until when, and what is remembered."""

from datetime import UTC, datetime, timedelta

from app.accounts.rules.throttles import (
    ADDRESS_LOGINS,
    BAD_CODES,
    BAD_KEYS,
    LOGINS,
    WINDOW,
    Budget,
    Failures,
    Tally,
    bad_codes_of,
    bad_keys_of,
    logins_of,
    used_up_until,
    whole_seconds_until,
)
from tests.support.cases import each_case

NOW = datetime(2026, 1, 11, 12, 46, 3, tzinfo=UTC)
SOON, LATER = NOW + timedelta(seconds=10), NOW + timedelta(seconds=40)


def test_the_quotas_are_those_that_are_promised() -> None:
    quotas = {each.name: each.quota for each in (BAD_KEYS, BAD_CODES, LOGINS, ADDRESS_LOGINS)}

    assert quotas == {"bad-keys": 20, "bad-codes": 20, "logins": 10, "logins-by-address": 50}
    assert timedelta(seconds=60) == WINDOW


def test_a_budget_is_used_up_by_its_quota_wherever_it_was_counted() -> None:
    assert used_up_until(BAD_KEYS) is None
    assert used_up_until(BAD_KEYS, None, None) is None
    assert used_up_until(BAD_KEYS, Failures(SOON, 19)) is None
    assert used_up_until(BAD_KEYS, Failures(SOON, 20)) == SOON
    assert used_up_until(BAD_KEYS, Failures(SOON, 12), Failures(LATER, 7)) is None
    assert used_up_until(BAD_KEYS, Failures(SOON, 12), Failures(LATER, 8)) == LATER


@each_case(
    ("microseconds", "seconds"),
    [(60_000_000, 60), (59_000_001, 60), (59_000_000, 59), (1, 1), (0, 1), (-5_000_000, 1)],
)
def test_the_wait_is_in_whole_seconds_and_never_too_short(microseconds: int, seconds: int) -> None:
    assert whole_seconds_until(NOW + timedelta(microseconds=microseconds), NOW) == seconds


def test_budgets_of_different_subjects_and_throttles_are_different() -> None:
    pair, address = logins_of("a@example.com", "203.0.113.1")
    budgets = {
        pair,
        address,
        *logins_of("b@example.com", "203.0.113.1"),
        *logins_of("a@example.com", "203.0.113.2"),
        bad_keys_of("203.0.113.1"),
        bad_codes_of("203.0.113.1"),
    }

    assert len(budgets) == 7
    assert logins_of("A@Example.com", "203.0.113.1") == (pair, address)
    assert pair.throttle is LOGINS
    assert address.throttle is ADDRESS_LOGINS


def test_a_budget_keeps_nothing_that_names_a_person() -> None:
    assert b"a@example.com" not in logins_of("a@example.com", "203.0.113.1")[0].subject
    assert {len(budget.subject) for budget in logins_of("a@example.com" * 9, "203.0.113.1")} == {32}


def test_a_window_begins_with_the_first_failure_and_the_next_one_with_the_first_after_it() -> None:
    tally, budget = Tally(10), bad_keys_of("203.0.113.1")
    assert tally.of(budget, NOW) is None

    tally.add(budget, NOW)
    tally.add(budget, NOW + timedelta(seconds=59))

    assert tally.of(budget, NOW + timedelta(seconds=59)) == Failures(NOW + WINDOW, 2)
    assert tally.of(budget, NOW + WINDOW) is None
    tally.add(budget, NOW + timedelta(seconds=90))
    assert tally.of(budget, NOW + timedelta(seconds=90)) == Failures(
        NOW + timedelta(seconds=150), 1
    )


def test_a_count_that_comes_late_does_not_undo_a_later_one() -> None:
    tally, budget = Tally(10), bad_keys_of("203.0.113.1")
    tally.put(budget, Failures(SOON, 20))
    tally.put(budget, Failures(SOON, 19))
    assert tally.of(budget, NOW) == Failures(SOON, 20)

    tally.put(budget, Failures(LATER, 1))
    assert tally.of(budget, NOW) == Failures(LATER, 1)


def test_a_tally_remembers_so_many_subjects_and_forgets_the_one_longest_quiet() -> None:
    tally = Tally(100)
    regular = Budget(BAD_KEYS, b"regular")
    for number in range(10_000):
        tally.add(Budget(BAD_KEYS, str(number).encode()), NOW)
        tally.add(regular, NOW)
        assert len(tally) <= 100

    assert tally.of(Budget(BAD_KEYS, b"9999"), NOW) is not None
    assert tally.of(Budget(BAD_KEYS, b"0"), NOW) is None
    assert tally.of(regular, NOW) == Failures(NOW + WINDOW, 10_000)
