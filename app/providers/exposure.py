"""The provider `exposure`: who an address dealt with on the bitcoin chain, one hop away.

The address itself is looked up in the local lists, which is direct exposure, and then everybody
that it paid or was paid by, which is indirect, and counts by its share of the value in satoshi.
For a transaction those are the parties on the other side of it.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, Protocol

from app.domain.addresses import (
    InvalidAddress,
    bitcoin_network,
    canonical_bitcoin_address,
    check_address,
)
from app.domain.assessments import AssessmentType
from app.domain.money import plain
from app.domain.risk import CATEGORIES, OTHER, SCOPE, grade_of, to_share
from app.esplora.failures import EsploraFailure, OperatorNeeded
from app.esplora.wire import Transaction, is_txid
from app.providers.base import (
    Answer,
    Evidence,
    FailureReason,
    ProviderFailed,
    ProviderNotAsked,
    Question,
    Source,
    score_of,
    weighed,
)

NAME: Final = "exposure"
# Not "none": more hops, and whom no list knows, were not looked at.
GRADE_NONE_FOUND: Final = "no exposure found"
# A transaction that brought an address less, or took less from it, counts for nothing: anybody
# can send so little to anybody, to be seen beside them.
DUST_SATOSHI: Final = 1_000
# 100 confirmed transactions, and 50 unconfirmed ones.
PAGES: Final = 4
# Less than a request of ours may take.
DEADLINE_SECONDS: Final = 7.0
_CURRENCIES: Final = frozenset({"BTC", "XBT"})

Alarm = Callable[[str], None]


class Listed(Protocol):
    """One address as a list or a tag pack has it; `category` is a word of `domain.risk`."""

    @property
    def address(self) -> str:
        """The address as it was published."""
        ...

    @property
    def category(self) -> str:
        """What it is listed as."""
        ...

    @property
    def party(self) -> str | None:
        """Whose it is, where the list says so."""
        ...

    @property
    def source(self) -> Source:
        """The list."""
        ...


class Lookup(Protocol):
    """Local knowledge of addresses."""

    @property
    def sources(self) -> Sequence[Source]:
        """The lists that are looked in."""
        ...

    def find(self, address: str) -> Sequence[Listed]:
        """Return every listing of an address; empty when there is none."""
        ...


class ChainIndex(Protocol):
    """One server of Esplora. Its methods raise subclasses of `EsploraFailure`."""

    async def transaction(self, txid: str) -> Transaction | None:
        """Ask for a transaction; None when the server knows none of this id."""
        ...

    async def history(self, address: str, *, pages: int) -> tuple[tuple[Transaction, ...], bool]:
        """Ask for what touches an address, newest first, and whether that is all."""
        ...


@dataclass(frozen=True)
class Flows:
    """The satoshi that passed between an address and others; None: those that have no address.

    `dust` is how many transactions were too small to count.
    """

    values: Mapping[str | None, int]
    dust: int

    @property
    def total(self) -> int:
        """All that passed, in satoshi."""
        return sum(self.values.values())


class ExposureProvider:
    """Asks the servers in turn, until one answers; looks in every one of the lookups.

    `alarm` is told what an operator must look at.
    """

    def __init__(
        self, servers: Sequence[ChainIndex], lookups: Sequence[Lookup], *, alarm: Alarm
    ) -> None:
        if not servers:
            raise ValueError("no Esplora server is named")
        self._servers = tuple(servers)
        self._lookups = tuple(lookups)
        self._alarm = alarm

    @property
    def name(self) -> str:
        """The name that is stored with its answers."""
        return NAME

    async def edition(self) -> str:
        """None is told: an answer is as of the time when it was given."""
        return ""

    def supports(self, _assessment_type: AssessmentType, currency: str) -> bool:
        """Say whether a currency is bitcoin."""
        return currency.upper() in _CURRENCIES

    async def assess(self, question: Question) -> Answer:
        """Look at one hop of the chain.

        Raises ProviderFailed for what it cannot answer, ProviderNotAsked while no server answers.
        """
        if question.currency.upper() not in _CURRENCIES:
            raise ProviderFailed(FailureReason.REFUSED)
        try:
            bitcoin_network(question.address)
            async with asyncio.timeout(DEADLINE_SECONDS):
                flows, limits = await self._flows(question)
        except InvalidAddress:
            raise ProviderFailed(FailureReason.REFUSED) from None
        except TimeoutError:
            raise ProviderNotAsked from None
        return self._answer(question, flows, limits)

    async def recall(self, _question: Question) -> Answer | None:
        """Nothing is kept of a question, and asking again costs nothing."""
        return None

    async def _flows(self, question: Question) -> tuple[Flows, list[str]]:
        """Return what passed, and what limits that; the last server's failure counts."""
        failure: EsploraFailure | None = None
        for server in self._servers:
            try:
                if question.tx_hash is None:
                    return await _flows_of_address(server, question.address)
                return await _flows_of_transaction(server, question.address, question.tx_hash)
            except EsploraFailure as one:
                failure = one
                if isinstance(one, OperatorNeeded):
                    self._alarm(f"exposure_{type(one).__name__}")
        if isinstance(failure, OperatorNeeded):
            raise ProviderFailed(FailureReason.BROKEN) from failure
        raise ProviderNotAsked from failure

    def _answer(self, question: Question, flows: Flows, limits: list[str]) -> Answer:
        hits = [*self._direct(question.address), *self._indirect(flows)]
        scope = [Evidence(category=SCOPE, source=NAME, detail=limit) for limit in limits]
        evidence = weighed([*hits, *scope])
        score = score_of(evidence)
        return Answer(
            risk_score=score,
            grade=grade_of(score) if hits else GRADE_NONE_FOUND,
            evidence=evidence,
            provider=NAME,
            sources=tuple(source for lookup in self._lookups for source in lookup.sources),
            address_form=check_address(question.currency, question.address),
        )

    def _direct(self, address: str) -> list[Evidence]:
        return [
            _reason(listed, Decimal(1), "Direct: the address") for listed in self._find(address)
        ]

    def _indirect(self, flows: Flows) -> list[Evidence]:
        """Return the listed counterparties, the largest first; each counts once, at its worst."""
        found = []
        for address, satoshi in sorted(flows.values.items(), key=lambda flow: -flow[1]):
            listings = [] if address is None else self._find(address)
            share = to_share(Decimal(satoshi) / flows.total)
            who = f"Indirect: {plain(share)} of the value, {satoshi} satoshi, passed to or from one that"
            for place, listed in enumerate(listings):
                found.append(_reason(listed, share if place == 0 else Decimal(0), who))
        return found

    def _find(self, address: str) -> list[Listed]:
        """Return every listing of an address, that of the heaviest category first."""
        found = [listed for lookup in self._lookups for listed in lookup.find(address)]
        return sorted(found, key=lambda listed: -CATEGORIES[_category(listed)])


def _category(listed: Listed) -> str:
    return listed.category if listed.category in CATEGORIES else OTHER


def _reason(listed: Listed, share: Decimal, who: str) -> Evidence:
    owner = f" of {listed.party}" if listed.party else ""
    category = _category(listed)
    return Evidence(
        category=category,
        source=listed.source.name,
        source_date=listed.source.issued,
        detail=f"{who} is listed in {listed.source.name}: {listed.address}{owner}",
        share=share,
        weight=CATEGORIES[category],
    )


async def _flows_of_address(server: ChainIndex, address: str) -> tuple[Flows, list[str]]:
    transactions, complete = await server.history(address, pages=PAGES)
    flows = flows_of(transactions, address, least_satoshi=DUST_SATOSHI)
    limits = [
        f"{len(transactions)} transactions and {len(flows.values)} counterparties were looked at,"
        " one hop away; change to another address of the same owner counts as one"
    ]
    if not complete:
        limits.append("older transactions were not looked at")
    if flows.dust:
        limits.append(
            f"{flows.dust} transactions of less than {DUST_SATOSHI} satoshi were passed over"
        )
    return flows, limits


async def _flows_of_transaction(
    server: ChainIndex, address: str, tx_hash: str
) -> tuple[Flows, list[str]]:
    txid = tx_hash.lower()
    transaction = await server.transaction(txid) if is_txid(txid) else None
    if transaction is None or not _takes_part(transaction, address):
        raise ProviderFailed(FailureReason.NO_PART)
    flows = flows_of([transaction], address, least_satoshi=0)
    return flows, [
        f"{len(flows.values)} parties on the other side of the transaction, one hop away"
    ]


def _takes_part(transaction: Transaction, address: str) -> bool:
    wanted = canonical_bitcoin_address(address)
    parties = [spent.address for spent in transaction.spent]
    parties += [output.address for output in transaction.outputs]
    return any(canonical_bitcoin_address(party) == wanted for party in parties if party)


def flows_of(transactions: Iterable[Transaction], address: str, *, least_satoshi: int) -> Flows:
    """Return what passed between an address and others; what changed it by less is dust.

    What a transaction brought the address is divided among those who paid it, by what they put in;
    what it took, among those who were paid, by what they got. Parts of a satoshi are dropped.
    """
    wanted = canonical_bitcoin_address(address)
    values: dict[str | None, int] = {}
    dust = 0
    for transaction in transactions:
        paying = _by_party((one.address, one.value_satoshi) for one in transaction.spent)
        paid = _by_party((one.address, one.value_satoshi) for one in transaction.outputs)
        gain = paid.pop(wanted, 0) - paying.pop(wanted, 0)
        if abs(gain) < max(least_satoshi, 1):
            dust += 1
            continue
        others = paying if gain > 0 else paid
        whole = sum(others.values())
        for party, satoshi in others.items():
            if part := abs(gain) * satoshi // whole:
                values[party] = values.get(party, 0) + part
    return Flows(values, dust)


def _by_party(amounts: Iterable[tuple[str | None, int]]) -> dict[str | None, int]:
    sums: dict[str | None, int] = {}
    for address, satoshi in amounts:
        if satoshi:
            party = None if address is None else canonical_bitcoin_address(address)
            sums[party] = sums.get(party, 0) + satoshi
    return sums
