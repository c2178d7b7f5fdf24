"""The provider `exposure`: who an address dealt with on the bitcoin chain, one hop away.

The address itself is looked up in the local lists, which is direct exposure, and then everybody
that it paid or was paid by, which is indirect, and counts by its share of the value in satoshi.
For a transaction those are the parties on the other side of it.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Final, Protocol

from app.addresses import (
    InvalidAddress,
    bitcoin_network,
    canonical_bitcoin_address,
    check_address,
    plain_address,
)
from app.assessments.providers.base import (
    Answer,
    Evidence,
    FailureReason,
    ProviderFailed,
    ProviderNotAsked,
    Question,
    score_of,
    sources_of,
    weighed,
)
from app.assessments.providers.listed_evidence import direct, heaviest_first, reason
from app.assessments.rules.questions import AssessmentType
from app.assessments.rules.risk_words import percent
from app.lists.rules.coverage import not_covered
from app.lists.rules.listings import ListFinder, Lookups, edition_of
from app.lists.rules.risk import NOT_COVERED, SCOPE, grade_of, to_share
from app.partners.esplora.history import AddressHistory, Ending
from app.partners.esplora.wire import Transaction, is_txid
from app.partners.failures import OperatorNeeded, PartnerFailure

NAME: Final = "exposure"
# Not "none": more hops, and whom no list knows, were not looked at.
GRADE_NONE_FOUND: Final = "no exposure found"
# A transaction that brought an address less, or took less from it, counts for nothing: anybody
# can send so little to anybody, to be seen beside them.
DUST_SATOSHI: Final = 1_000
# So many transactions of an address are looked at, the newest first, in so much time; the time of a
# whole look is less than a request of ours may take.
MOST_TRANSACTIONS: Final = 300
READING_SECONDS: Final = 5.0
DEADLINE_SECONDS: Final = 7.0
_CURRENCIES: Final = frozenset({"BTC", "XBT"})

Alarm = Callable[[str], None]


class ChainIndex(Protocol):
    """One server of Esplora. Its methods raise subclasses of `PartnerFailure`."""

    async def transaction(self, txid: str) -> Transaction | None:
        """Ask for a transaction; None when the server knows none of this id."""
        ...

    async def history(
        self, address: str, *, most: int, within_seconds: float | None = None
    ) -> AddressHistory:
        """Ask for so much of what touches an address, newest first, and how much there is."""
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


@dataclass(frozen=True)
class HistorySample:
    """What was looked at: what passed, and the limits of the look in words.

    `missed` says what was not read, empty where all was: nothing found then means nothing.
    """

    flows: Flows
    limits: tuple[str, ...]
    missed: str = ""


class ExposureProvider:
    """Asks the servers in turn, until one answers; looks in the lists and tag packs.

    `alarm` is told what an operator must look at.
    """

    def __init__(self, servers: Sequence[ChainIndex], finder: ListFinder, *, alarm: Alarm) -> None:
        if not servers:
            raise ValueError("no Esplora server is named")
        self._servers = tuple(servers)
        self._finder = finder
        self._alarm = alarm

    @property
    def name(self) -> str:
        """The name that is stored with its answers."""
        return NAME

    async def edition(self) -> str:
        """Return a hash of the lists that are looked in; the chain goes on without telling."""
        return edition_of(await self._finder.versions())

    def supports(self, _assessment_type: AssessmentType, currency: str, as_of: date | None) -> bool:
        """Say whether a currency is bitcoin; the chain is read as it is now."""
        return as_of is None and currency.upper() in _CURRENCIES

    async def assess(self, question: Question) -> Answer:
        """Look at one hop of the chain.

        Raises ProviderFailed for what it cannot answer, ProviderNotAsked while no server answers.
        That nobody was found is no answer where not everything was looked at.
        """
        if question.currency.upper() not in _CURRENCIES:
            raise ProviderFailed(FailureReason.REFUSED)
        question = replace(question, address=plain_address(question.currency, question.address))
        try:
            bitcoin_network(question.address)
            async with asyncio.timeout(DEADLINE_SECONDS):
                seen = await self._look(question)
        except InvalidAddress:
            raise ProviderFailed(FailureReason.REFUSED) from None
        except TimeoutError:
            raise ProviderNotAsked from None
        parties = filter(None, seen.flows.values)
        found = await self._finder.find_many([question.address, *parties])
        return _answer(question, found, seen)

    async def find_existing(self, _question: Question) -> Answer | None:
        """Nothing is kept of a question, and asking again costs nothing."""
        return None

    async def _look(self, question: Question) -> HistorySample:
        """Look at the chain through one server after the other; the last one's failure counts."""
        failure: PartnerFailure | None = None
        for server in self._servers:
            try:
                if question.tx_hash is None:
                    return await _look_at_address(server, question.address)
                return await _look_at_transaction(server, question.address, question.tx_hash)
            except PartnerFailure as one:
                failure = one
                if isinstance(one, OperatorNeeded):
                    self._alarm(f"exposure_{one.label}")
        if isinstance(failure, OperatorNeeded):
            raise ProviderFailed(FailureReason.BROKEN) from failure
        raise ProviderNotAsked from failure


def _answer(question: Question, found: Lookups, seen: HistorySample) -> Answer:
    hits = [
        *direct(found.listings.get(question.address, ())),
        *_indirect(seen.flows, found),
    ]
    blind = [] if hits else not_covered(found.versions, question.currency, question.address)
    said = [
        *blind,
        *seen.limits,
        *(f"looked in the {one.source}" for one in found.versions if one.is_sample),
    ]
    scope = [Evidence(category=SCOPE, source=NAME, detail=detail) for detail in said]
    if seen.missed and not hits:
        raise ProviderFailed(FailureReason.NOT_ALL_READ, seen.missed)
    evidence = weighed([*hits, *scope])
    score = score_of(evidence)
    return Answer(
        risk_score=score,
        grade=grade_of(score) if hits else NOT_COVERED if blind else GRADE_NONE_FOUND,
        evidence=evidence,
        provider=NAME,
        sources=sources_of(found.versions),
        address_form=check_address(question.currency, question.address),
    )


def _indirect(flows: Flows, found: Lookups) -> list[Evidence]:
    """Return the listed counterparties, the largest first; each counts once, at its worst."""
    reasons = []
    for address, satoshi in sorted(flows.values.items(), key=lambda flow: -flow[1]):
        share = to_share(Decimal(satoshi) / flows.total)
        who = (
            f"Indirect: {percent(share)} of the value, {satoshi} satoshi, passed to or from one"
            " that"
        )
        listings = [] if address is None else heaviest_first(found.listings.get(address, ()))
        for place, listing in enumerate(listings):
            reasons.append(reason(listing, share if place == 0 else Decimal(0), who, hops=1))
    return reasons


async def _look_at_address(server: ChainIndex, address: str) -> HistorySample:
    history = await server.history(address, most=MOST_TRANSACTIONS, within_seconds=READING_SECONDS)
    flows = flows_of(history.transactions, address, least_satoshi=DUST_SATOSHI)
    missed = _missed(history)
    limits = [
        f"{_how_many(history)} and {len(flows.values)} counterparties were looked at,"
        " one hop away; change to another address of the same owner counts as one"
    ]
    if missed:
        limits.append(missed)
    elif history.ending is Ending.NOT_TOLD:
        limits.append("the server of the chain does not tell whether there are more")
    if flows.dust:
        limits.append(
            f"{flows.dust} transactions of less than {DUST_SATOSHI} satoshi were passed over"
        )
    return HistorySample(flows, tuple(limits), missed)


def _how_many(history: AddressHistory) -> str:
    read = len(history.transactions)
    if history.total is None or read >= history.total:
        return f"{read} transactions"
    return f"{read} of {history.total} transactions"


def _missed(history: AddressHistory) -> str:
    """Say what was not looked at; empty where everything was that the server has."""
    match history.ending:
        case Ending.COMPLETE | Ending.NOT_TOLD:
            return ""
        case Ending.LIMITED:
            return f"{_how_many(history)} were looked at, older transactions were not looked at"
        case Ending.SHORT:
            return f"{_how_many(history)} were looked at, the server of the chain shows no others"


async def _look_at_transaction(server: ChainIndex, address: str, tx_hash: str) -> HistorySample:
    txid = tx_hash.lower()
    transaction = await server.transaction(txid) if is_txid(txid) else None
    if transaction is None or not _takes_part(transaction, address):
        raise ProviderFailed(FailureReason.NO_PART)
    flows = flows_of([transaction], address, least_satoshi=0)
    limit = f"{len(flows.values)} parties on the other side of the transaction, one hop away"
    return HistorySample(flows, (limit,))


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
