"""The provider `exposure` over real HTTP, on the sandbox's chain."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.assessments.providers.base import (
    Answer,
    FailureReason,
    ProviderFailed,
    ProviderNotAsked,
    RiskProvider,
    sources_of,
)
from app.assessments.providers.exposure import (
    MOST_TRANSACTIONS,
    READING_SECONDS,
    ExposureProvider,
    flows_of,
)
from app.assessments.rules.questions import AssessmentType
from app.lists.rules.listings import Listing, ListVersion
from app.partners.esplora.history import AddressHistory, Ending
from app.partners.esplora.wire import Output, Spent, Transaction
from tests.assessments.providers.vendors import Vendors, question
from tests.support.cases import each_case
from tests.support.lists import HeldLists, listed, version_of

ADDRESS = "12Cyjf3qV6qLyXdzpLSLPdRFPUVidvnzFM"
OTHER = "1BpEi6DfDAUFd7GtittLSdBeYJvcoaVggu"
PACK = version_of("GraphSense mixers", 2, issued=date(2026, 5, 1))
LIST = version_of("OFAC SDN", issued=date(2025, 11, 9))
# Every payment of the sandbox leaves so much change, at another address of the payer.
CHANGE = 250_000


def listing(address: str, category: str, version: ListVersion = PACK) -> Listing:
    return Listing(row=listed(address, category=category, label="DOE"), version=version)


def lookup(*listings: Listing) -> HeldLists:
    return HeldLists([PACK], listings)


@dataclass(frozen=True)
class Payment:
    """A transaction of the sandbox: who paid it."""

    txid: str
    payer: str


class Chain:
    """The sandbox's chain: its buttons, and a provider that reads it."""

    def __init__(self, vendors: Vendors, http: httpx.AsyncClient) -> None:
        self._vendors = vendors
        self._http = http

    async def pay(self, satoshi: int, address: str = ADDRESS) -> Payment:
        """Let a stranger pay an address."""
        sent = await self._vendors.upstream.press("chain/send", address=address, satoshi=satoshi)
        shown = await self._http.get(f"{self._vendors.root}/esplora/tx/{sent['txid']}")
        return Payment(sent["txid"], shown.json()["vin"][0]["prevout"]["scriptpubkey_address"])

    async def fault(self, kind: str, source: str = "esplora") -> None:
        await self._vendors.upstream.fault(kind, source=source, times=-1)

    @asynccontextmanager
    async def asking(
        self, lists: HeldLists, servers: tuple[str, ...] = ("esplora",)
    ) -> AsyncIterator[tuple[ExposureProvider, list[str]]]:
        async with self._vendors.asking_exposure(lists, servers=servers) as (provider, told):
            yield provider, told.alarms

    async def assess(
        self, *listings: Listing, address: str = ADDRESS, tx_hash: str | None = None
    ) -> Answer:
        async with self.asking(lookup(*listings)) as (provider, _alarms):
            asked: RiskProvider = provider
            return await asked.assess(question(address, "BTC", tx_hash))


@pytest.fixture
async def chain(vendors: Vendors) -> AsyncIterator[Chain]:
    async with httpx.AsyncClient(trust_env=False, timeout=60) as http:
        yield Chain(vendors, http)


def hits(answer: Answer) -> list[tuple[str, Decimal, Decimal]]:
    return [
        (item.category, item.share, item.contribution)
        for item in answer.evidence
        if item.category != "scope"
    ]


def limits(answer: Answer) -> list[str]:
    return [item.detail for item in answer.evidence if item.category == "scope"]


async def test_a_listed_address_is_exposed_directly(chain: Chain) -> None:
    answer = await chain.assess(listing(ADDRESS, "sanctions"))
    assert hits(answer) == [("sanctions", Decimal(1), Decimal(1))]
    assert answer.evidence[0].detail == (
        f"Direct: the address is listed in GraphSense mixers: {ADDRESS} of DOE"
    )
    assert answer.evidence[0].source_date == date(2026, 5, 1)
    assert (answer.risk_score, answer.grade) == (Decimal(1), "severe")
    assert answer.sources == sources_of([PACK])


async def test_who_paid_an_address_counts_by_its_share_of_the_satoshi(chain: Chain) -> None:
    bad, good = await chain.pay(50_000), await chain.pay(150_000)
    assert bad.payer != good.payer
    answer = await chain.assess(listing(bad.payer, "mixer"))
    assert hits(answer) == [("mixer", Decimal("0.25"), Decimal("0.25"))]
    assert answer.evidence[0].detail == (
        "Indirect: 25% of the value, 50000 satoshi, passed to or from one that is listed in"
        f" GraphSense mixers: {bad.payer} of DOE"
    )
    assert (answer.risk_score, answer.grade) == (Decimal("0.25"), "medium")
    assert limits(answer) == [
        "2 transactions and 2 counterparties were looked at, one hop away; change to another"
        " address of the same owner counts as one"
    ]


async def test_whom_an_address_paid_counts_too_and_confirmations_change_nothing(
    chain: Chain, vendors: Vendors
) -> None:
    payment = await chain.pay(CHANGE)
    for _ in range(2):
        answer = await chain.assess(listing(ADDRESS, "gambling"), address=payment.payer)
        assert hits(answer) == [("gambling", Decimal("0.5"), Decimal("0.375"))]
        await vendors.upstream.press("chain/mine")


async def test_nobody_listed_is_no_exposure_found_and_no_more(chain: Chain) -> None:
    await chain.pay(50_000)
    answer = await chain.assess(listing(OTHER, "sanctions"))
    assert (hits(answer), answer.risk_score, answer.grade) == (
        [],
        Decimal(0),
        "no exposure found",
    )


@pytest.mark.parametrize(("satoshi", "counts"), [(999, False), (1_000, True)])
async def test_dust_from_a_listed_address_exposes_nobody(
    chain: Chain, satoshi: int, counts: bool
) -> None:
    payment = await chain.pay(satoshi)
    answer = await chain.assess(listing(payment.payer, "sanctions"))
    assert bool(hits(answer)) is counts
    told = "1 transactions of less than 1000 satoshi were passed over"
    assert (told in limits(answer)) is not counts


async def test_a_counterparty_on_two_lists_counts_once_at_its_worst(chain: Chain) -> None:
    payment = await chain.pay(50_000)
    answer = await chain.assess(
        listing(payment.payer, "gambling"), listing(payment.payer, "sanctions", LIST)
    )
    assert hits(answer) == [
        ("sanctions", Decimal(1), Decimal(1)),
        ("gambling", Decimal(0), Decimal(0)),
    ]
    assert answer.evidence[0].source == "OFAC SDN"


async def test_a_category_that_is_not_ours_counts_as_other(chain: Chain) -> None:
    answer = await chain.assess(listing(ADDRESS, "samourai"))
    assert hits(answer) == [("other", Decimal(1), Decimal("0.25"))]


@pytest.mark.parametrize("satoshi", [50_000, 999])
async def test_of_a_transaction_the_other_side_counts_however_small_it_is(
    chain: Chain, satoshi: int
) -> None:
    payment = await chain.pay(satoshi)
    await chain.pay(10_000_000)
    answer = await chain.assess(listing(payment.payer, "mixer"), tx_hash=payment.txid.upper())
    assert hits(answer) == [("mixer", Decimal(1), Decimal(1))]
    assert limits(answer) == ["1 parties on the other side of the transaction, one hop away"]
    sent = await chain.assess(
        listing(ADDRESS, "mixer"), address=payment.payer, tx_hash=payment.txid
    )
    share = (Decimal(satoshi) / (satoshi + CHANGE)).quantize(Decimal("0.000001"))
    assert abs(hits(sent)[0][1] - share) <= Decimal("0.00001")  # its part of the fee


@pytest.mark.parametrize("tx_hash", ["ab" * 32, "0x" + "ab" * 32, "nonsense"])
async def test_an_unknown_transaction_has_failed_for_good(chain: Chain, tx_hash: str) -> None:
    with pytest.raises(ProviderFailed) as failed:
        await chain.assess(tx_hash=tx_hash)
    assert failed.value.description == FailureReason.NO_PART


async def test_an_address_that_takes_no_part_has_failed_for_good(chain: Chain) -> None:
    payment = await chain.pay(50_000)
    with pytest.raises(ProviderFailed) as failed:
        await chain.assess(address=OTHER, tx_hash=payment.txid)
    assert failed.value.description == FailureReason.NO_PART


@pytest.mark.parametrize(("address", "currency"), [(ADDRESS, "LTC"), ("nonsense", "BTC")])
async def test_only_bitcoin_is_answered(chain: Chain, address: str, currency: str) -> None:
    async with chain.asking(lookup()) as (provider, _alarms):
        assert not provider.supports(AssessmentType.ADDRESS, "LTC", None)
        assert provider.supports(AssessmentType.TRANSACTION, "xbt", None)
        assert not provider.supports(AssessmentType.ADDRESS, "BTC", date(2026, 1, 11))
        for tx_hash in (None, "ab" * 32):
            with pytest.raises(ProviderFailed) as failed:
                await provider.assess(question(address, currency, tx_hash))
            assert failed.value.description == FailureReason.REFUSED


@pytest.mark.parametrize("kind", ["500", "429", "drop", "html", "malformed", "negative"])
async def test_while_no_server_answers_it_is_asked_again(chain: Chain, kind: str) -> None:
    await chain.pay(50_000)
    await chain.fault(kind)
    async with chain.asking(lookup()) as (provider, alarms):
        with pytest.raises(ProviderNotAsked):
            await provider.assess(question(ADDRESS, "BTC"))
    assert alarms == []


async def test_the_next_server_answers_for_one_that_fails(chain: Chain) -> None:
    payment = await chain.pay(50_000)
    await chain.fault("500")
    mixer = lookup(listing(payment.payer, "mixer"))
    async with chain.asking(mixer, servers=("esplora", "esplora2")) as (provider, _alarms):
        assert (await provider.assess(question(ADDRESS, "BTC"))).risk_score == 1


async def test_a_server_that_refuses_us_rings_and_refunds(chain: Chain) -> None:
    await chain.fault("403")
    async with chain.asking(lookup()) as (provider, alarms):
        with pytest.raises(ProviderFailed) as failed:
            await provider.assess(question(ADDRESS, "BTC"))
    assert failed.value.description == FailureReason.BROKEN
    assert alarms == ["exposure_Refused"]


@dataclass
class BusyIndex:
    """A server that shows one payment by OTHER, and counts more than that."""

    ending: Ending
    total: int | None

    async def transaction(self, txid: str) -> Transaction | None:
        raise AssertionError(f"nobody asks an address's history for {txid}")

    async def history(
        self, address: str, *, most: int, within_seconds: float | None = None
    ) -> AddressHistory:
        assert (address, most, within_seconds) == (ADDRESS, MOST_TRANSACTIONS, READING_SECONDS)
        payment = Transaction(
            txid="ab" * 32,
            outputs=(Output(0, ADDRESS, 10_000),),
            block=None,
            replaceable=False,
            spent=(Spent(OTHER, 10_000),),
        )
        return AddressHistory((payment,), self.total, self.ending)

    async def assess(self, *listings: Listing) -> Answer:
        provider = ExposureProvider([self], lookup(*listings), alarm=print)
        return await provider.assess(question(ADDRESS, "BTC"))


CUT = [
    (Ending.LIMITED, 2340, "1 of 2340 transactions were looked at, older transactions were not"),
    (Ending.LIMITED, None, "1 transactions were looked at, older transactions were not looked at"),
    (Ending.SHORT, 61, "1 of 61 transactions were looked at, the server of the chain shows no"),
]


@each_case(("ending", "total", "words"), CUT)
async def test_what_a_cut_history_shows_counts_and_is_said_to_be_cut(
    ending: Ending, total: int | None, words: str
) -> None:
    answer = await BusyIndex(ending, total).assess(listing(OTHER, "mixer"))
    assert answer.risk_score == 1
    assert any(limit.startswith(words) for limit in limits(answer))


@each_case(("ending", "total", "words"), CUT)
async def test_nobody_found_in_a_cut_history_is_no_answer(
    ending: Ending, total: int | None, words: str
) -> None:
    with pytest.raises(ProviderFailed) as failed:
        await BusyIndex(ending, total).assess()
    assert failed.value.description.startswith(f"{FailureReason.NOT_ALL_READ}: {words}")


async def test_server_that_does_not_tell_how_much_there_is_makes_the_answer_say_so() -> None:
    answer = await BusyIndex(Ending.NOT_TOLD, None).assess()
    assert "the server of the chain does not tell whether there are more" in limits(answer)


@pytest.mark.parametrize("dialect", ["blockstream", "mempool", "electrum"])
async def test_the_oldest_counterparty_is_found_whatever_the_pages_of_the_server(
    chain: Chain, vendors: Vendors, dialect: str
) -> None:
    await vendors.upstream.press("chain/dialect", view="esplora", dialect=dialect)
    bad = await chain.pay(1_000_000)
    await vendors.upstream.press("chain/mine")
    for _ in range(60):
        await chain.pay(5_000)
    await vendors.upstream.press("chain/mine")
    answer = await chain.assess(listing(bad.payer, "mixer"))
    assert answer.grade == "severe"
    assert limits(answer)[0].startswith("61 transactions and 61 counterparties were looked at")


SATOSHI = st.integers(0, 10**9)
PARTIES = st.sampled_from([ADDRESS, OTHER, "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4", None])
TRANSACTIONS = st.builds(
    Transaction,
    txid=st.just("ab" * 32),
    outputs=st.lists(st.builds(Output, st.just(0), PARTIES, SATOSHI), max_size=5).map(tuple),
    block=st.none(),
    replaceable=st.just(False),
    spent=st.lists(st.builds(Spent, PARTIES, SATOSHI), max_size=5).map(tuple),
)


@given(st.lists(TRANSACTIONS, max_size=8))
def test_no_more_passes_to_others_than_the_address_gained_and_lost(
    transactions: list[Transaction],
) -> None:
    flows = flows_of(transactions, ADDRESS, least_satoshi=1_000)
    changes = [
        sum(one.value_satoshi for one in each.outputs if one.address == ADDRESS)
        - sum(one.value_satoshi for one in each.spent if one.address == ADDRESS)
        for each in transactions
    ]
    assert ADDRESS not in flows.values
    assert all(value > 0 for value in flows.values.values())
    assert flows.total <= sum(abs(change) for change in changes if abs(change) >= 1_000)
    assert flows.dust == sum(abs(change) < 1_000 for change in changes)
