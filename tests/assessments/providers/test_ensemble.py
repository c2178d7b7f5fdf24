"""Several providers: each is heard, the highest score counts, and disagreement is shown."""

from datetime import date
from decimal import Decimal

import pytest
from typing_extensions import override

from app.addresses import AddressForm
from app.assessments.providers.base import Answer, Evidence, Source, score_of, weighed
from app.assessments.providers.ensemble import NOT_ASKED, ProviderEnsemble
from app.assessments.rules.questions import AssessmentType
from app.lists.rules.risk import grade_of
from tests.support.application import ScriptedProvider
from tests.support.cases import each_case

LIST = Source(name="a list", issued=None, sha256="1" * 64, entries=2)
TAGS = Source(name="a tag pack", issued=None, sha256="2" * 64, entries=3)


def answer_of(provider: str, share: str, *sources: Source) -> Answer:
    evidence = weighed(
        [
            Evidence(
                category="mixer",
                source=provider,
                detail="a mixer",
                share=Decimal(share),
                weight=Decimal(1),
            )
        ]
    )
    score = score_of(evidence)
    return Answer(
        risk_score=score,
        grade=grade_of(score),
        evidence=evidence,
        provider=provider,
        sources=sources,
        address_form=AddressForm.VALID,
        provider_reference=f"{provider}-1",
    )


def ensemble_of(*names: str) -> ProviderEnsemble:
    return ProviderEnsemble([ScriptedProvider(name=name) for name in names])


def test_one_provider_is_answered_in_its_own_words() -> None:
    said = answer_of("calm", "0.1", LIST)
    assert ensemble_of("calm").together({"calm": said}, {}) is said


def test_the_highest_score_counts_with_its_own_evidence_whoever_was_named_first() -> None:
    low, high = answer_of("calm", "0.1", LIST), answer_of("stern", "0.8", TAGS)
    for names in (("calm", "stern"), ("stern", "calm")):
        together = ensemble_of(*names).together({"calm": low, "stern": high}, {})
        assert (together.risk_score, together.grade) == (Decimal("0.8"), "severe")
        assert together.evidence == high.evidence
        assert [one.provider for one in together.opinions] == list(names)
        assert set(together.sources) == {LIST, TAGS}


def test_what_each_said_stands_beside_the_answer() -> None:
    low, high = answer_of("calm", "0.1"), answer_of("stern", "0.8")
    together = ensemble_of("calm", "stern").together({"calm": low, "stern": high}, {})
    said = [(one.provider, one.risk_score, one.grade, one.evidence) for one in together.opinions]
    assert said == [
        ("calm", Decimal("0.1"), "low", low.evidence),
        ("stern", Decimal("0.8"), "severe", high.evidence),
    ]
    assert [one.provider_reference for one in together.opinions] == ["calm-1", "stern-1"]


@each_case(
    ("one", "other", "disagreement"),
    [("0.1", "0.8", True), ("0.1", "0.2", False), ("0", "0.1", True), ("0", "0", False)],
)
def test_scores_of_different_grades_are_a_disagreement(
    one: str, other: str, disagreement: bool
) -> None:
    answers = {"calm": answer_of("calm", one), "stern": answer_of("stern", other)}
    together = ensemble_of("calm", "stern").together(answers, {})
    assert together.disagreement is disagreement


def test_who_failed_or_was_not_asked_is_said_and_outvotes_nobody() -> None:
    ensemble = ensemble_of("calm", "broken", "elsewhere")
    together = ensemble.together({"calm": answer_of("calm", "0.1")}, {"broken": "it is broken"})
    assert together.risk_score == Decimal("0.1")
    assert [(one.provider, one.reason, one.grade) for one in together.opinions] == [
        ("calm", None, "low"),
        ("broken", "it is broken", None),
        ("elsewhere", NOT_ASKED, None),
    ]
    assert not together.disagreement


async def test_the_edition_changes_when_that_of_any_provider_does() -> None:
    one, other = ScriptedProvider(name="one"), ScriptedProvider(name="other")
    assert await ProviderEnsemble([one]).edition() == one.issue
    ensemble = ProviderEnsemble([one, other])
    before = await ensemble.edition()
    other.issue = "of tomorrow"
    assert before != await ensemble.edition()


def test_only_those_are_asked_that_answer_for_the_currency() -> None:
    class ForBitcoin(ScriptedProvider):
        @override
        def supports(
            self, _assessment_type: AssessmentType, currency: str, _as_of: date | None
        ) -> bool:
            return currency == "BTC"

    ensemble = ProviderEnsemble([ScriptedProvider(name="all"), ForBitcoin(name="bitcoin")])
    assert ensemble.supporting(AssessmentType.ADDRESS, "BTC", None) == ["all", "bitcoin"]
    assert ensemble.supporting(AssessmentType.ADDRESS, "DOT", None) == ["all"]
    assert ProviderEnsemble([ForBitcoin()]).currencies(AssessmentType.ADDRESS) == ["BTC"]


def test_a_panel_of_nobody_cannot_be() -> None:
    with pytest.raises(ValueError, match="no risk provider"):
        ProviderEnsemble([])


def test_a_provider_that_is_no_longer_named_has_still_its_say() -> None:
    former = answer_of("former", "0.9")
    together = ensemble_of("calm").together(
        {"calm": answer_of("calm", "0.1"), "former": former}, {}
    )
    assert together.risk_score == Decimal("0.9")
    assert [one.provider for one in together.opinions] == ["calm", "former"]
