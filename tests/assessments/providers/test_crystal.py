"""The provider `crystal` over real HTTP against the sandbox's Crystal: every way it can go."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from app.addresses import AddressForm
from app.assessments.providers.base import (
    FailureReason,
    ProviderFailed,
    ProviderNotAsked,
    ProviderPending,
    ProviderUnknown,
    RiskProvider,
    score_of,
)
from app.assessments.providers.crystal import LOW_CALLS
from app.assessments.rules.questions import AssessmentType
from app.partners import http as http_module
from tests.assessments.providers.vendors import KEY, Vendors, question
from tests.support.deadlines import hold_deadlines

ADDRESS = "0x36a2c58b7af6b53a850e1ec2a201eba40ed2686e"
TX = "0x" + "5c" * 32
NAME = "asm_00VbhnY6RLeQ2oZmgNCoZuaKC"


async def test_an_address_is_asked_as_a_withdrawal_under_our_id(vendors: Vendors) -> None:
    async with vendors.asking_crystal() as (provider, told):
        answer = await provider.assess(question(ADDRESS, "ETH"))
    (transfer,) = await vendors.transfers()
    asked = {
        name: transfer[name] for name in ("direction", "address", "tx", "currency", "token_id")
    }
    assert asked == {
        "direction": "withdrawal",
        "address": ADDRESS,
        "tx": None,
        "currency": "eth",
        "token_id": 0,
    }
    assert transfer["customer"]["name"] == NAME
    assert answer.provider == provider.name == "crystal"
    assert answer.provider_reference == transfer["id"]
    assert answer.address_form is AddressForm.NOT_CHECKABLE  # in lower case alone
    assert told.calls_left == [4_999]
    assert told.alarms == []
    assert told.outcomes == [("tx_add", "ok")]


async def test_the_score_is_the_sum_of_the_categories_and_the_vendors_own_stays_beside_it(
    vendors: Vendors,
) -> None:
    async with vendors.asking_crystal() as (provider, _told):
        answer = await provider.assess(question(ADDRESS, "ETH"))
    assert answer.risk_score == score_of(answer.evidence) == Decimal("0.3134")
    assert answer.grade == "medium"
    assert [
        (item.category, item.share, item.weight, item.contribution) for item in answer.evidence
    ] == [
        (category, Decimal(share), Decimal(weight), Decimal(contribution))
        for category, share, weight, contribution in (
            ("p2p_exchange_unlicensed", "0.25", "0.6", "0.15"),
            ("exchange_unlicensed", "0.125", "0.6", "0.075"),
            ("exchange_licensed", "0.484", "0.1", "0.0484"),
            ("other", "0.12", "0.25", "0.03"),
            ("liquidity_pools", "0.02", "0.5", "0.01"),
        )
    ]
    assert all(item.source_date is not None for item in answer.evidence)
    assert answer.vendor is not None
    assert answer.vendor.score == Decimal("0.314")
    assert answer.vendor.signals["exchange_licensed"] == Decimal("0.484")
    assert answer.vendor.weights["exchange_licensed"] == Decimal("0.1")
    assert len(answer.vendor.signals) == len(answer.vendor.weights) == 25


async def test_a_transaction_is_asked_as_a_deposit_and_its_amounts_come_in_whole_coins(
    vendors: Vendors,
) -> None:
    async with vendors.asking_crystal() as (provider, _told):
        answer = await provider.assess(question(ADDRESS, "ETH", TX))
    (transfer,) = await vendors.transfers()
    assert (transfer["direction"], transfer["tx"]) == ("deposit", TX)
    assert answer.risk_score == Decimal("0.4505")
    assert [item.detail for item in answer.evidence if item.category == "scope"] == [
        "Crystal's score 0.307 is the counterparty's, not the transaction's",
        "the transaction moved 0.00525000025 ETH",
        "it was worth 13.12 USD at its time",
        "Crystal's alert grade is high",
    ]


@pytest.mark.parametrize(
    ("currency", "words"),
    [
        ("BTC", ("btc", 0)),
        ("xbt", ("btc", 0)),
        ("BCH", ("bch", 0)),
        ("LTC", ("ltc", 0)),
        ("ETH", ("eth", 0)),
        ("usdt", ("eth", 1)),
    ],
)
async def test_each_asset_is_asked_in_crystals_words(
    vendors: Vendors, currency: str, words: tuple[str, int]
) -> None:
    async with vendors.asking_crystal() as (provider, _told):
        assert provider.supports(AssessmentType.ADDRESS, currency, None)
        await provider.assess(question(ADDRESS, currency))
    (transfer,) = await vendors.transfers()
    assert (transfer["currency"], transfer["token_id"]) == words


async def test_an_amount_in_unknown_units_is_not_converted(vendors: Vendors) -> None:
    async with vendors.asking_crystal() as (provider, _told):
        answer = await provider.assess(question(ADDRESS, "USDT", TX))
    assert (
        "the transaction moved 5250000.25 in the smallest units of USDT, as Crystal counts them"
        in ([item.detail for item in answer.evidence])
    )


async def test_another_asset_is_refused_before_crystal_is_asked(vendors: Vendors) -> None:
    async with vendors.asking_crystal() as (provider, told):
        assert not provider.supports(AssessmentType.ADDRESS, "AEON", None)
        with pytest.raises(ProviderFailed) as failed:
            await provider.assess(question(ADDRESS, "AEON"))
    assert failed.value.description == FailureReason.REFUSED
    assert told.outcomes == []


@pytest.mark.parametrize("numbered", [False, True], ids=["text_ids", "number_ids"])
async def test_a_pending_question_is_looked_at_until_it_is_ready(
    vendors: Vendors, numbered: bool
) -> None:
    await vendors.crystal(pending_looks=1, numbered=numbered)
    async with vendors.asking_crystal() as (provider, told):
        with pytest.raises(ProviderPending) as pending:
            await provider.assess(question(ADDRESS, "ETH"))
        reference = pending.value.reference
        again = question(ADDRESS, "ETH", reference=reference)
        with pytest.raises(ProviderPending) as still:
            await provider.find_existing(again)
        answer = await provider.find_existing(again)
    assert answer is not None
    assert still.value.reference == reference == answer.provider_reference
    assert answer.risk_score == Decimal("0.3134")
    assert len(await vendors.transfers()) == 1
    assert [endpoint for endpoint, _ in told.outcomes] == ["tx_add", "batch_txs", "batch_txs"]


async def test_a_pending_question_is_found_by_its_name_where_its_reference_was_lost(
    vendors: Vendors,
) -> None:
    await vendors.crystal(pending_looks=1)
    async with vendors.asking_crystal() as (provider, _told):
        with pytest.raises(ProviderPending):
            await provider.assess(question(ADDRESS, "ETH"))
        with pytest.raises(ProviderPending):
            await provider.find_existing(question(ADDRESS, "ETH"))
        await provider.find_existing(question(ADDRESS, "ETH", reference="gone"))
    assert len(await vendors.transfers()) == 1


LOST_AFTER_THE_WORK: list[dict[str, Any]] = [
    {"kind": "drop", "when": "after"},
    {"kind": "reset", "when": "after"},
    {"kind": "500", "when": "after"},
    {"kind": "503", "when": "after"},
    {"kind": "html"} | {"when": "after"},
    {"kind": "empty"},
    {"kind": "malformed"},
    {"kind": "nan"},
    {"kind": "negative"},
    {"kind": "strings"},
    {"kind": "dupkeys"},
    {"kind": "deep"},
    {"kind": "invalidutf8"},
    {"kind": "huge"},
    {"kind": "redirect", "code": "http://127.0.0.1:1/", "when": "after"},
]


@pytest.mark.parametrize("fault", LOST_AFTER_THE_WORK, ids=lambda fault: str(fault["kind"]))
async def test_an_answer_that_was_lost_is_found_by_name_and_not_paid_twice(
    vendors: Vendors, fault: dict[str, Any]
) -> None:
    await vendors.upstream.fault(source="crystal", endpoint="tx_add", **fault)
    async with vendors.asking_crystal() as (provider, told):
        with pytest.raises(ProviderUnknown) as unknown:
            await provider.assess(question(ADDRESS, "ETH"))
        assert not isinstance(unknown.value, ProviderNotAsked)
        answer = await provider.find_existing(question(ADDRESS, "ETH"))
    assert answer is not None
    (transfer,) = await vendors.transfers()
    assert answer.provider_reference == transfer["id"]
    assert [endpoint for endpoint, _ in told.outcomes] == ["tx_add", "batch_txs"]
    assert told.alarms == []


async def test_an_answer_that_comes_too_late_is_found_by_name(
    vendors: Vendors, monkeypatch: pytest.MonkeyPatch
) -> None:
    await vendors.upstream.fault(
        "timeout", source="crystal", endpoint="tx_add", when="after", seconds=3600
    )
    with monkeypatch.context() as patch:
        deadlines = hold_deadlines(patch, http_module)
        async with vendors.asking_crystal() as (provider, told):
            late = asyncio.create_task(provider.assess(question(ADDRESS, "ETH")))
            async with asyncio.timeout(60):
                while not await vendors.transfers():
                    await asyncio.sleep(0.01)
            deadlines.expire()
            with pytest.raises(ProviderUnknown):
                await late
    async with vendors.asking_crystal() as (provider, _told):
        await provider.find_existing(question(ADDRESS, "ETH"))
    assert told.outcomes == [("tx_add", "DeadlinePassed")]
    assert len(await vendors.transfers()) == 1


@pytest.mark.parametrize("kind", ["timeout", "drop", "500"])
async def test_a_question_that_never_arrived_is_not_recalled(vendors: Vendors, kind: str) -> None:
    await vendors.upstream.fault(
        kind, source="crystal", endpoint="tx_add", when="before", seconds=0.01
    )
    async with vendors.asking_crystal() as (provider, told):
        with pytest.raises(ProviderUnknown):
            await provider.assess(question(ADDRESS, "ETH"))
        assert await provider.find_existing(question(ADDRESS, "ETH")) is None
    assert await vendors.transfers() == []
    assert [endpoint for endpoint, _ in told.outcomes] == ["tx_add", "batch_txs"]


@pytest.mark.parametrize("seconds", [2, 29])
async def test_a_question_that_may_still_be_on_its_way_is_not_taken_for_one_that_never_arrived(
    vendors: Vendors, seconds: int
) -> None:
    asked = question(ADDRESS, "ETH")
    async with vendors.asking_crystal() as (provider, _told):
        with pytest.raises(ProviderUnknown):
            await provider.find_existing(replace(asked, idle_for=timedelta(seconds=seconds)))
        assert await provider.find_existing(replace(asked, idle_for=timedelta(seconds=30))) is None


@pytest.mark.parametrize("kind", ["500", "403", "429", "malformed", "strings"])
async def test_whether_it_was_asked_is_unknown_while_the_search_fails(
    vendors: Vendors, kind: str
) -> None:
    async with vendors.asking_crystal() as (provider, _told):
        await provider.assess(question(ADDRESS, "ETH"))
        await vendors.upstream.fault(kind, source="crystal", endpoint="batch_txs")
        with pytest.raises(ProviderUnknown) as unknown:
            await provider.find_existing(question(ADDRESS, "ETH"))
    assert type(unknown.value) is ProviderUnknown
    assert len(await vendors.transfers()) == 1


async def test_a_search_passes_over_what_others_asked(vendors: Vendors) -> None:
    async with vendors.asking_crystal() as (provider, _told):
        await provider.assess(question(ADDRESS, "ETH"))
        other = "0x" + "11" * 20
        theirs = question(other, "ETH")
        object.__setattr__(theirs, "assessment_id", "asm_of_somebody_else")
        assert await provider.find_existing(theirs) is None
        answer = await provider.assess(theirs)
    names = [transfer["customer"]["name"] for transfer in await vendors.transfers()]
    assert names == [NAME, "asm_of_somebody_else"]
    assert answer.provider_reference == (await vendors.transfers())[1]["id"]


@pytest.mark.parametrize("status", [200, 400, 404, 422])
async def test_a_refused_question_has_failed_for_good(vendors: Vendors, status: int) -> None:
    await vendors.crystal(refuse=status)
    async with vendors.asking_crystal() as (provider, told):
        with pytest.raises(ProviderFailed) as failed:
            await provider.assess(question(ADDRESS, "ETH"))
    assert failed.value.description == FailureReason.REFUSED
    assert told.outcomes == [("tx_add", "Refusal")]
    assert told.alarms == []


@pytest.mark.parametrize(
    ("kind", "outcome"), [("403", "KeyRefused"), ("400", "Misplaced"), ("404", "Misplaced")]
)
async def test_a_page_in_place_of_a_refusal_rings(
    vendors: Vendors, kind: str, outcome: str
) -> None:
    await vendors.upstream.fault(kind, source="crystal")
    async with vendors.asking_crystal() as (provider, told):
        with pytest.raises(ProviderFailed) as failed:
            await provider.assess(question(ADDRESS, "ETH"))
    assert failed.value.description == FailureReason.BROKEN
    assert told.alarms == [f"crystal_{outcome}"]


async def test_a_wrong_key_rings_and_shows_nowhere(vendors: Vendors) -> None:
    async with vendors.asking_crystal("wrong") as (provider, told):
        with pytest.raises(ProviderFailed) as failed:
            await provider.assess(question(ADDRESS, "ETH"))
    assert told.alarms == ["crystal_KeyRefused"]
    assert failed.value.description == FailureReason.BROKEN
    assert "wrong" not in f"{failed.value} {failed.value.__cause__}"


async def test_throttled_is_surely_not_done(vendors: Vendors) -> None:
    await vendors.upstream.fault("429", source="crystal")
    async with vendors.asking_crystal() as (provider, told):
        with pytest.raises(ProviderNotAsked):
            await provider.assess(question(ADDRESS, "ETH"))
    assert told.outcomes == [("tx_add", "Throttled")]


async def test_nobody_listening_is_surely_not_done(vendors: Vendors) -> None:
    vendors_elsewhere = Vendors(vendors.upstream)
    vendors_elsewhere.root = "http://127.0.0.1:1"
    async with vendors_elsewhere.asking_crystal() as (provider, told):
        with pytest.raises(ProviderNotAsked):
            await provider.assess(question(ADDRESS, "ETH"))
    assert told.outcomes == [("tx_add", "Unreachable")]


async def test_few_calls_left_ring_once_and_none_once_more(vendors: Vendors) -> None:
    await vendors.crystal(calls_left=LOW_CALLS + 2)
    async with vendors.asking_crystal() as (provider, told):
        await provider.assess(question(ADDRESS, "ETH"))
        assert told.alarms == []
        await provider.assess(question(ADDRESS, "ETH"))
        await provider.assess(question(ADDRESS, "ETH"))
        assert told.alarms == ["crystal_calls_low"]
        await vendors.crystal(calls_left=1)
        await provider.assess(question(ADDRESS, "ETH"))
        assert told.alarms == ["crystal_calls_low", "crystal_calls_none"]
        assert told.calls_left == [LOW_CALLS + 1, LOW_CALLS, LOW_CALLS - 1, 0]


async def test_no_calls_left_refunds_and_rings(vendors: Vendors) -> None:
    await vendors.crystal(calls_left=0)
    async with vendors.asking_crystal() as (provider, told):
        with pytest.raises(ProviderFailed) as failed:
            await provider.assess(question(ADDRESS, "ETH"))
    assert failed.value.description == FailureReason.BROKEN
    assert told.calls_left == [0]
    assert told.alarms == ["crystal_calls_none", "crystal_OutOfCalls"]


async def test_a_category_of_no_list_of_ours_counts_as_other_with_its_own_name(
    vendors: Vendors,
) -> None:
    await vendors.crystal(signals={"new_kind": "0.5", "mixer": "0.25"}, riskscore="0.9")
    async with vendors.asking_crystal() as (provider, _told):
        answer = await provider.assess(question(ADDRESS, "ETH"))
    assert [(item.category, item.contribution) for item in answer.evidence] == [
        ("mixer", Decimal("0.25")),
        ("other", Decimal("0.125")),
    ]
    assert "new_kind" in answer.evidence[1].detail
    assert answer.risk_score == Decimal("0.375")


async def test_shares_beyond_the_whole_add_up_to_one(vendors: Vendors) -> None:
    await vendors.crystal(signals={"mixer": "0.75", "scam": "0.75"}, riskscore="1")
    async with vendors.asking_crystal() as (provider, _told):
        answer = await provider.assess(question(ADDRESS, "ETH"))
    assert [item.contribution for item in answer.evidence] == [Decimal("0.75"), Decimal("0.25")]
    assert (answer.risk_score, answer.grade) == (Decimal(1), "severe")


async def test_a_score_without_categories_is_taken_as_it_is(vendors: Vendors) -> None:
    await vendors.crystal(signals={}, riskscore="0.6")
    async with vendors.asking_crystal() as (provider, _told):
        answer = await provider.assess(question(ADDRESS, "ETH"))
    assert (answer.risk_score, answer.grade) == (Decimal("0.6"), "high")
    assert answer.evidence[0].category == "other"


async def test_nothing_known_is_not_called_no_risk(vendors: Vendors) -> None:
    await vendors.crystal(signals={}, riskscore=None)
    async with vendors.asking_crystal() as (provider, _told):
        answer = await provider.assess(question(ADDRESS, "ETH"))
    assert (answer.risk_score, answer.grade) == (Decimal(0), "nothing known")
    assert answer.vendor is None
    assert [item.detail for item in answer.evidence] == ["Crystal knows nothing about it"]


async def test_a_crystal_provider_is_a_risk_provider(vendors: Vendors) -> None:
    async with vendors.asking_crystal(KEY) as (provider, _told):
        asked: RiskProvider = provider
        assert asked.name == "crystal"
