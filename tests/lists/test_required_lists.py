"""Which of the lists that an operator wants in force are missing or too old."""

from datetime import date, timedelta

from app.lists.rules.listings import RequiredLists
from tests.support.lists import version_of

HELD = (version_of("OFAC SDN", issued=date(2025, 11, 19)), version_of("a pack"))
REQUIRED = RequiredLists(names=("OFAC SDN", "EU"), max_age=timedelta(days=14))


def test_list_is_too_old_on_the_day_after_its_last_and_a_missing_one_is_not_old() -> None:
    assert REQUIRED.missing(HELD) == ["EU"]
    assert REQUIRED.old(HELD, date(2025, 12, 3)) == {}
    assert REQUIRED.old(HELD, date(2025, 12, 4)) == {"OFAC SDN": 15}
    assert REQUIRED.faults(HELD, date(2025, 12, 4)) == [
        "the required list EU is not in force",
        "the required list OFAC SDN is 15 days old, more than 14",
    ]


def test_list_that_is_dated_beyond_the_difference_of_two_clocks_is_a_fault() -> None:
    assert REQUIRED.future(HELD, date(2025, 11, 18)) == {}
    assert REQUIRED.future(HELD, date(2025, 11, 17)) == {"OFAC SDN": date(2025, 11, 19)}
    assert REQUIRED.faults(HELD, date(2025, 11, 17)) == [
        "the required list EU is not in force",
        "the required list OFAC SDN is dated 2025-11-19, which is in the future",
    ]


def test_without_an_age_no_list_is_too_old_and_without_names_nothing_is_required() -> None:
    assert RequiredLists(names=("OFAC SDN",)).faults(HELD, date(2035, 1, 1)) == []
    assert RequiredLists(max_age=timedelta(days=1)).faults((), date(2035, 1, 1)) == []
