"""The provider `chainalysis` over real HTTP against the sandbox's: its answers, its ways of no."""

from decimal import Decimal
from typing import Any

import pytest

from app.assessments.providers.base import (
    FailureReason,
    ProviderFailed,
    ProviderNotAsked,
    RiskProvider,
)
from app.assessments.rules.questions import AssessmentType
from tests.assessments.providers.vendors import Vendors, question

LISTED = "149w62rY42aZBox8fGcmqNsXUzSStKeq8C"
NOT_LISTED = "1BpEi6DfDAUFd7GtittLSdBeYJvcoaVggu"


async def test_a_sanctioned_address_scores_one_with_what_the_list_calls_it(
    vendors: Vendors,
) -> None:
    async with vendors.asking_chainalysis() as (provider, told):
        asked: RiskProvider = provider
        answer = await asked.assess(question(LISTED, "BTC"))
    assert (answer.risk_score, answer.grade, answer.provider) == (
        Decimal(1),
        "severe",
        "chainalysis",
    )
    assert (answer.evidence[0].category, answer.evidence[0].contribution) == (
        "sanctions",
        Decimal(1),
    )
    assert answer.evidence[0].detail.startswith("SANCTIONS: OFAC SDN DOE, Jane")
    assert told.outcomes == [("sanctions", "ok")]


async def test_an_empty_answer_is_no_listing_and_claims_no_more(vendors: Vendors) -> None:
    async with vendors.asking_chainalysis() as (provider, _told):
        answer = await provider.assess(question(NOT_LISTED, "BTC", "ab" * 32))
    assert (answer.risk_score, answer.grade) == (Decimal(0), "not on the lists")
    assert [item.detail for item in answer.evidence] == [
        "only sanctions were looked for",
        "only the address was screened, not the transaction",
    ]


async def test_an_address_leaves_the_list(vendors: Vendors) -> None:
    await vendors.chainalysis(NOT_LISTED, listed=True)
    async with vendors.asking_chainalysis() as (provider, _told):
        assert (await provider.assess(question(NOT_LISTED, "BTC"))).risk_score == 1
        await vendors.chainalysis(NOT_LISTED, listed=False)
        assert (await provider.assess(question(NOT_LISTED, "BTC"))).risk_score == 0


async def test_an_address_never_leaves_its_place_in_the_path(vendors: Vendors) -> None:
    await vendors.chainalysis("a?b#c", listed=True)
    async with vendors.asking_chainalysis() as (provider, _told):
        assert (await provider.assess(question("a?b#c", "BTC"))).risk_score == 1
        with pytest.raises(ProviderFailed):  # their 404: no such path
            await provider.assess(question("../a", "BTC"))


@pytest.mark.parametrize(
    ("headers", "outcome"),
    [({}, "KeyRefused"), ({"X-API-Key": "wrong"}, "KeyRefused")],
    ids=["a page without a key", "json for a wrong key"],
)
async def test_a_refused_key_refunds_and_rings(
    vendors: Vendors, headers: dict[str, str], outcome: str
) -> None:
    async with vendors.asking_chainalysis(headers) as (provider, told):
        with pytest.raises(ProviderFailed) as failed:
            await provider.assess(question(LISTED, "BTC"))
    assert failed.value.description == FailureReason.BROKEN
    assert told.alarms == [f"chainalysis_{outcome}"]
    assert told.outcomes == [("sanctions", outcome)]


@pytest.mark.parametrize("kind", ["400", "404"])
async def test_a_refused_question_has_failed_for_good(vendors: Vendors, kind: str) -> None:
    await vendors.upstream.fault(kind, source="chainalysis")
    async with vendors.asking_chainalysis() as (provider, told):
        with pytest.raises(ProviderFailed) as failed:
            await provider.assess(question(LISTED, "BTC"))
    assert failed.value.description == FailureReason.REFUSED
    assert told.alarms == []


FAULTS: list[tuple[dict[str, Any], str]] = [
    ({"kind": "timeout", "when": "before", "seconds": 0.01}, "AnswerLost"),
    ({"kind": "drop"}, "AnswerLost"),
    ({"kind": "reset"}, "AnswerLost"),
    ({"kind": "429"}, "Throttled"),
    ({"kind": "500"}, "ServerFault"),
    ({"kind": "503"}, "ServerFault"),
    ({"kind": "html"}, "Nonsense"),
    ({"kind": "empty"}, "Nonsense"),
    ({"kind": "redirect", "code": "http://127.0.0.1:1/"}, "Nonsense"),
    ({"kind": "malformed"}, "Nonsense"),
    ({"kind": "dupkeys"}, "Nonsense"),
    ({"kind": "deep"}, "Nonsense"),
    ({"kind": "invalidutf8"}, "Nonsense"),
    ({"kind": "huge"}, "Nonsense"),
]


@pytest.mark.parametrize(("fault", "outcome"), FAULTS, ids=str)
async def test_any_other_failure_is_asked_again_and_costs_nothing(
    vendors: Vendors, fault: dict[str, Any], outcome: str
) -> None:
    await vendors.upstream.fault(source="chainalysis", **fault)
    async with vendors.asking_chainalysis() as (provider, told):
        with pytest.raises(ProviderNotAsked):
            await provider.assess(question(LISTED, "BTC"))
        assert told.outcomes == [("sanctions", outcome)]
        assert (await provider.assess(question(LISTED, "BTC"))).risk_score == 1
    assert told.alarms == []


async def test_every_currency_is_looked_up(vendors: Vendors) -> None:
    async with vendors.asking_chainalysis() as (provider, _told):
        assert provider.supports(AssessmentType.ADDRESS, "XYZ", None)
