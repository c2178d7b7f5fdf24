"""What a score is made of."""

import hashlib
from decimal import Decimal
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.lists.rules.risk import (
    CATEGORIES,
    PLACES,
    RULESET,
    SCOPE,
    grade_of,
    to_share,
    weigh,
    weight_of,
)
from tests.support.cases import each_case

# By the day on which they last changed, what the rules make of every category, confidence and score.
# A line stays as it is: an answer that was signed names its day.
RULESETS: Final = {
    "2026-11-28": "ead651a7c03a363e1ea1106124f872a5e37ba57dabb61bd9389d2de1f4346e4c",
}
FRACTIONS = st.decimals(0, 1, places=PLACES)


@given(st.lists(st.tuples(FRACTIONS, FRACTIONS), max_size=60))
def test_contributions_add_up_to_at_most_one_exactly_and_none_is_negative(
    items: list[tuple[Decimal, Decimal]],
) -> None:
    contributions = weigh(items)
    score = sum(contributions, Decimal(0))
    assert score == min(sum((share * weight for share, weight in items), Decimal(0)), 1)
    assert sum(reversed(contributions), Decimal(0)) == score
    assert all(
        0 <= part <= share * weight
        for part, (share, weight) in zip(contributions, items, strict=True)
    )


def test_what_comes_first_is_counted_first() -> None:
    items = [(Decimal("0.7"), Decimal(1)), (Decimal(1), Decimal("0.5")), (Decimal(1), Decimal(1))]
    assert weigh(items) == (Decimal("0.7"), Decimal("0.3"), Decimal(0))


@each_case("wrong", ["-0.1", "1.000001", "0.0000001", "NaN"])
def test_shares_and_weights_are_fractions_of_few_decimals(wrong: str) -> None:
    for item in ((Decimal(wrong), Decimal(1)), (Decimal(1), Decimal(wrong))):
        with pytest.raises(ValueError, match="a share or a weight"):
            weigh([item])


@given(st.decimals(0, 1, allow_nan=False))
def test_any_fraction_becomes_a_share(value: Decimal) -> None:
    share = to_share(value)
    assert abs(share - value) <= Decimal("0.0000005")
    assert weigh([(share, Decimal(1))]) == (share,)


@each_case(
    ("score", "grade"),
    [
        ("0", "none"),
        ("0.000001", "low"),
        ("0.249999", "low"),
        ("0.25", "medium"),
        ("0.499999", "medium"),
        ("0.5", "high"),
        ("0.749999", "high"),
        ("0.75", "severe"),
        ("1", "severe"),
    ],
)
def test_a_grade_begins_at_its_boundary(score: str, grade: str) -> None:
    assert grade_of(Decimal(score)) == grade


@pytest.mark.parametrize("score", ["-0.1", "1.1"])
def test_what_is_no_score_has_no_grade(score: str) -> None:
    with pytest.raises(ValueError, match="from 0 to 1"):
        grade_of(Decimal(score))


def test_there_are_25_categories_and_the_limits_of_an_answer_weigh_nothing() -> None:
    assert len(CATEGORIES) == 26
    assert CATEGORIES[SCOPE] == 0
    assert all(weight == to_share(weight) for weight in CATEGORIES.values())


def rules() -> list[str]:
    """Return in words what each category weighs, how each score is called, and what a sum is."""
    sure = (None, *range(0, 101, 5))
    weights = [
        f"{name} {one} {weight_of(name, one)}" for name in sorted(CATEGORIES) for one in sure
    ]
    grades = [f"{number}% {grade_of(Decimal(number) / 100)}" for number in range(101)]
    third = Decimal("0.333333")
    return [*weights, *grades, str(weigh([(third, Decimal(1)), (Decimal(1), Decimal("0.75"))]))]


def test_other_rules_are_a_ruleset_of_another_day() -> None:
    digest = hashlib.sha256("\n".join(rules()).encode()).hexdigest()
    assert list(RULESETS)[-1] == RULESET
    assert RULESETS[RULESET] == digest, (
        "scores are made otherwise: name today in RULESET of app/lists/rules/risk.py,"
        " and add its digest to those above"
    )
