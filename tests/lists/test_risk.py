"""What a score is made of."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.lists.rules.risk import CATEGORIES, PLACES, SCOPE, grade_of, to_share, weigh

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


@pytest.mark.parametrize("wrong", ["-0.1", "1.000001", "0.0000001", "NaN"])
def test_shares_and_weights_are_fractions_of_few_decimals(wrong: str) -> None:
    for item in ((Decimal(wrong), Decimal(1)), (Decimal(1), Decimal(wrong))):
        with pytest.raises(ValueError, match="a share or a weight"):
            weigh([item])


@given(st.decimals(0, 1, allow_nan=False))
def test_any_fraction_becomes_a_share(value: Decimal) -> None:
    share = to_share(value)
    assert abs(share - value) <= Decimal("0.0000005")
    assert weigh([(share, Decimal(1))]) == (share,)


@pytest.mark.parametrize(
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
