"""The provider `sanctions`: its answers, and what they admit."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from app.addresses import AddressForm
from app.assessments.providers.base import (
    FailureReason,
    ListedParty,
    ProviderFailed,
    Question,
    RiskProvider,
)
from app.assessments.providers.sanctions import SanctionsProvider
from app.assessments.rules.questions import AssessmentType
from app.lists.rules.listings import Listing, ListingFacts, PartyType
from app.lists.sample_list import sample
from tests.support.lists import HeldLists, listed, version_of

TEXTS = version_of("sanctioned addresses XBT", 4)
OFAC = version_of("OFAC SDN", 7, issued=date(2025, 11, 9))
PACK = version_of("GraphSense mixers")
LISTED = "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"
TAGGED = "3P14159f73E4gFr7JterCCQh9QjiTjiZrG"
NOT_LISTED = "1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2"


@pytest.fixture
def provider() -> RiskProvider:
    rows = [
        (TEXTS, listed(LISTED)),
        (OFAC, listed(LISTED, label="DOE Jane & Co")),
        (OFAC, listed(LISTED)),
        (PACK, listed(LISTED, category="mixer")),
        (PACK, listed(TAGGED, category="mixer")),
    ]
    listings = [Listing(row=row, version=version) for version, row in rows]
    return SanctionsProvider(HeldLists((TEXTS, OFAC, PACK), listings))


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
            "OFAC SDN",
            f"{LISTED} of DOE Jane & Co is listed under XBT in OFAC SDN, version 7, issued 2025-11-09",
        ),
        (
            "sanctions",
            "sanctioned addresses XBT",
            f"{LISTED} is listed under XBT in sanctioned addresses XBT, version 4, of unknown date",
        ),
        (
            "sanctions",
            "OFAC SDN",
            f"{LISTED} is listed under XBT in OFAC SDN, version 7, issued 2025-11-09",
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
        date(2025, 11, 9),
        None,
        date(2025, 11, 9),
    ]


async def test_row_that_says_most_of_the_party_leads_and_the_others_follow() -> None:
    facts = ListingFacts(
        party_type=PartyType.VESSEL, list_uid="7", programs=("DPRK4",), listed_on=date(2018, 2, 23)
    )
    url = "https://lists.example/texts"
    rows = [
        listed(LISTED),
        listed(LISTED, label="PARTY"),
        listed(LISTED, label="CHON MYONG 1", facts=facts),
    ]
    version = replace(version_of("OFAC SDN", 7, date(2025, 11, 9)), url=url)
    listings = [Listing(row=row, version=version) for row in rows]
    answer = await SanctionsProvider(HeldLists((version,), listings)).assess(ask(LISTED))
    assert [item.contribution for item in answer.evidence] == [1, 0, 0]
    said = [item.listing for item in answer.evidence]
    assert [one.name for one in said if one] == ["CHON MYONG 1", "PARTY", None]
    assert said[0] == ListedParty(
        address=LISTED,
        asset="XBT",
        name="CHON MYONG 1",
        party_type="vessel",
        list_uid="7",
        programs=("DPRK4",),
        listed_on=date(2018, 2, 23),
        source_url=url,
    )
    assert said[2] == ListedParty(address=LISTED, asset="XBT", source_url=url)


@pytest.mark.parametrize(
    ("address", "said"),
    [
        (NOT_LISTED, []),
        (
            TAGGED,
            ["tagged as mixer in GraphSense mixers, which is no sanction and does not count here"],
        ),
    ],
)
async def test_address_that_is_not_sanctioned_scores_zero_and_claims_no_more(
    provider: RiskProvider, address: str, said: list[str]
) -> None:
    answer = await provider.assess(ask(address))
    assert (answer.risk_score, answer.grade) == (Decimal(0), "not on the lists")
    assert {item.category for item in answer.evidence} == {"scope"}
    assert [item.detail for item in answer.evidence] == [
        "only this address was looked for, not whom it dealt with",
        *said,
    ]
    assert [(source.name, source.version) for source in answer.sources] == [
        ("sanctioned addresses XBT", 4),
        ("OFAC SDN", 7),
        ("GraphSense mixers", 1),
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
    version = sample()[0].version
    answer = await SanctionsProvider(HeldLists([version], sample())).assess(ask(address))
    assert answer.evidence[-1].category == "scope"
    assert answer.evidence[-1].detail == "screened against the built-in sample, not a complete list"
    (source,) = answer.sources
    assert (source.name, source.version) == ("built-in sample, not a complete list", None)


async def test_answer_as_of_a_day_says_so_and_asks_what_was_in_force(
    provider: RiskProvider,
) -> None:
    answer = await provider.assess(replace(ask(LISTED), as_of=date(2025, 11, 9)))
    assert [source.name for source in answer.sources] == ["OFAC SDN"]
    assert answer.evidence[-1].category == "scope"
    assert answer.evidence[-1].detail == "screened against what the lists said on 2025-11-09"


async def test_day_on_which_no_list_was_in_force_has_no_answer(provider: RiskProvider) -> None:
    with pytest.raises(ProviderFailed) as failed:
        await provider.assess(replace(ask(LISTED), as_of=date(2025, 11, 8)))
    assert failed.value.description == "no list was in force on that day"


async def test_edition_changes_with_any_version(provider: RiskProvider) -> None:
    other = HeldLists([TEXTS, version_of("OFAC SDN", 8), PACK], [])
    same = HeldLists([PACK, OFAC, TEXTS], [])
    assert await provider.edition() == await SanctionsProvider(same).edition()
    assert await provider.edition() != await SanctionsProvider(other).edition()


def test_definite_failure_carries_a_text_of_the_catalogue() -> None:
    assert ProviderFailed(FailureReason.BROKEN).description == (
        "the risk provider could not answer"
    )
