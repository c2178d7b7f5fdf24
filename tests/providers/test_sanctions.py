"""The provider `sanctions`: its answers, and what they admit."""

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from app.domain.addresses import AddressForm
from app.domain.assessments import AssessmentType
from app.providers.base import FailureReason, ProviderFailed, Question, RiskProvider
from app.providers.lists import load_lists
from app.providers.sanctions import SanctionsProvider

DATA = Path(__file__).parents[1] / "data" / "sanctions"
LISTED = "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"
NOT_LISTED = "1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2"


@pytest.fixture
def provider() -> RiskProvider:
    return SanctionsProvider(load_lists([DATA]))


def ask(address: str, currency: str = "BTC", tx_hash: str | None = None) -> Question:
    return Question(
        assessment_id="asm_1",
        assessment_type=AssessmentType.TRANSACTION if tx_hash else AssessmentType.ADDRESS,
        address=address,
        currency=currency,
        tx_hash=tx_hash,
    )


async def test_listed_address_scores_one_with_each_listing_as_evidence(
    provider: RiskProvider,
) -> None:
    answer = await provider.assess(ask(LISTED))
    assert (answer.risk_score, answer.grade, answer.provider) == (
        Decimal(1),
        "severe",
        "sanctions",
    )
    assert answer.provider == provider.name
    assert [(item.category, item.source, item.detail) for item in answer.evidence] == [
        (
            "sanctions",
            "sanctioned_addresses_XBT.txt",
            f"{LISTED} is listed under XBT in sanctioned_addresses_XBT.txt, of unknown date",
        ),
        (
            "sanctions",
            "sdn_advanced.xml",
            f"{LISTED} of DOE Jane & Co is listed under XBT in sdn_advanced.xml, issued 2025-11-09",
        ),
        (
            "sanctions",
            "sdn_advanced.xml",
            f"{LISTED} is listed under XBT in sdn_advanced.xml, issued 2025-11-09",
        ),
    ]


async def test_listings_of_one_address_count_once(provider: RiskProvider) -> None:
    one, zero = Decimal(1), Decimal(0)
    answer = await provider.assess(ask(LISTED))
    assert [(item.share, item.weight, item.contribution) for item in answer.evidence] == [
        (one, one, one),
        (one, one, zero),
        (one, one, zero),
    ]
    assert [item.source_date for item in answer.evidence] == [
        None,
        date(2025, 11, 9),
        date(2025, 11, 9),
    ]


async def test_address_that_is_not_listed_scores_zero_and_claims_no_more(
    provider: RiskProvider,
) -> None:
    answer = await provider.assess(ask(NOT_LISTED))
    assert (answer.risk_score, answer.grade, answer.evidence) == (
        Decimal(0),
        "not on the lists",
        (),
    )
    assert [source.name for source in answer.sources] == [
        "sanctioned_addresses_BCH.txt",
        "sanctioned_addresses_XBT.txt",
        "sdn_advanced.xml",
    ]


@pytest.mark.parametrize("currency", ["ETH", "USDT", "XYZ"])
async def test_listed_address_is_found_whatever_currency_is_asked_about(
    provider: RiskProvider, currency: str
) -> None:
    answer = await provider.assess(ask(LISTED, currency))
    assert answer.risk_score == 1


@pytest.mark.parametrize(
    ("currency", "address", "form"),
    [
        ("BTC", NOT_LISTED, AddressForm.VALID),
        ("BTC", NOT_LISTED[:-1], AddressForm.INVALID),
        ("XYZ", NOT_LISTED, AddressForm.NOT_CHECKED),
    ],
)
async def test_answer_says_what_the_form_of_the_address_is(
    provider: RiskProvider, currency: str, address: str, form: AddressForm
) -> None:
    answer = await provider.assess(ask(address, currency))
    assert answer.address_form is form
    assert answer.risk_score == 0


async def test_of_a_transaction_the_address_is_screened_and_the_answer_says_so(
    provider: RiskProvider,
) -> None:
    answer = await provider.assess(ask(LISTED, tx_hash="ab" * 32))
    assert answer.risk_score == 1
    assert answer.evidence[-1].category == "scope"
    assert answer.evidence[-1].detail == "only the address was screened, not the transaction"


@pytest.mark.parametrize("address", ["149w62rY42aZBox8fGcmqNsXUzSStKeq8C", NOT_LISTED])
async def test_every_answer_from_the_built_in_sample_names_it_as_one(address: str) -> None:
    answer = await SanctionsProvider(load_lists([])).assess(ask(address))
    assert answer.evidence[-1].category == "scope"
    assert answer.evidence[-1].detail == "screened against the built-in sample, not a complete list"
    assert all("built-in sample, not a complete list" in item.name for item in answer.sources)


def test_definite_failure_carries_a_text_of_the_catalogue() -> None:
    assert ProviderFailed(FailureReason.BROKEN).description == (
        "the risk provider could not answer"
    )
