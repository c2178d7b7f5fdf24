"""What every answer must keep to."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.addresses import AddressForm
from app.assessments.providers.base import Answer, Evidence, score_of, weighed
from app.lists.rules.risk import CATEGORIES, PLACES, grade_of

FRACTIONS = st.decimals(0, 1, places=PLACES)
REASONS = st.builds(
    Evidence,
    category=st.sampled_from(sorted(CATEGORIES)),
    source=st.just("a test"),
    detail=st.just("made up"),
    share=FRACTIONS,
    weight=FRACTIONS,
)


def answer(score: Decimal, evidence: tuple[Evidence, ...]) -> Answer:
    return Answer(
        risk_score=score,
        grade=grade_of(score),
        evidence=evidence,
        provider="a test",
        sources=(),
        address_form=AddressForm.NOT_CHECKED,
    )


@given(st.lists(REASONS, max_size=30))
def test_the_sum_of_the_evidence_is_the_score_and_nothing_else_is(
    reasons: list[Evidence],
) -> None:
    evidence = weighed(reasons)
    score = score_of(evidence)
    assert answer(score, evidence).risk_score == score
    other = Decimal("0.5") if score != Decimal("0.5") else Decimal("0.4")
    with pytest.raises(ValueError, match="not the sum"):
        answer(other, evidence)
