"""What every risk provider is asked, what it answers, and how it fails."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Final, Protocol, runtime_checkable

from app.addresses import AddressForm
from app.assessments.rules.questions import AssessmentType
from app.lists.rules.listings import Listing, ListVersion
from app.lists.rules.risk import weigh

_ZERO: Final = Decimal(0)


@dataclass(frozen=True, kw_only=True)
class Question:
    """One paid question. `tx_hash` is set when a transaction is assessed.

    `as_of` is the day in UTC as of which it is to be answered; None: as of now.
    `provider_reference` is what ProviderPending named, if the provider said that it works on it;
    `first_attempt_at` is when it may have been asked first, `idle_for` for how long nobody has tried it
    (None: not known).
    """

    assessment_id: str
    assessment_type: AssessmentType
    address: str
    currency: str
    tx_hash: str | None
    as_of: date | None = None
    provider_reference: str | None = None
    first_attempt_at: datetime | None = None
    idle_for: timedelta | None = None


@dataclass(frozen=True, kw_only=True)
class Source:
    """Where an answer comes from: a list, when it was issued (None: not known), what it held.

    `version` is the number of its version among those that were imported, None for the sample.
    `is_sanctions` is false for a tag pack.
    """

    name: str
    issued: date | None
    sha256: str
    entries: int
    version: int | None = None
    is_sanctions: bool = True


@dataclass(frozen=True, kw_only=True)
class ListedParty:
    """The row of a list that evidence is from, with what the list says of the party.

    Empty or None is what the list does not say. `listed_on` is when the party came to the list.
    """

    address: str
    asset: str
    name: str | None = None
    aliases: tuple[str, ...] = ()
    party_type: str | None = None
    list_uid: str | None = None
    programs: tuple[str, ...] = ()
    listed_on: date | None = None
    source_url: str | None = None


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """One reason for an answer, or, in the category `scope`, one limit of it.

    `category` is a word of `app.lists.rules.risk.CATEGORIES`. `source_date` is the date of the list or
    tag (None: not known). `contribution` is what this reason adds to the score. `listing` is the
    row of a list, where the evidence is from one. `hops` is how far from the address it is found: 0
    about the address itself, 1 about whom it dealt with; None where nobody says.
    """

    category: str
    source: str
    detail: str
    source_date: date | None = None
    share: Decimal = _ZERO
    weight: Decimal = _ZERO
    contribution: Decimal = _ZERO
    listing: ListedParty | None = None
    hops: int | None = None


@dataclass(frozen=True, kw_only=True)
class VendorScore:
    """What a vendor itself says, untouched: its score, its shares by category, their weights."""

    score: Decimal
    signals: Mapping[str, Decimal]
    weights: Mapping[str, Decimal]


@dataclass(frozen=True, kw_only=True)
class Opinion:
    """What one of several providers came to: an answer, or in `reason` why there is none."""

    provider: str
    reason: str | None = None
    risk_score: Decimal | None = None
    grade: str | None = None
    evidence: tuple[Evidence, ...] = ()
    provider_reference: str | None = None
    vendor: VendorScore | None = None


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What a provider says: a risk from 0 (none known) to 1 (prohibited), and why.

    The score is the sum of what the evidence contributes; raises ValueError if it is not.
    `provider_reference` is under what the provider knows the question, `vendor` its own score.
    Where several providers were asked, `opinions` are what each said, in the order of the settings,
    and `disagreement` says whether their scores are of different grades.
    """

    risk_score: Decimal
    grade: str
    evidence: tuple[Evidence, ...]
    provider: str
    sources: tuple[Source, ...]
    address_form: AddressForm
    provider_reference: str | None = None
    vendor: VendorScore | None = None
    opinions: tuple[Opinion, ...] = ()
    disagreement: bool = False

    def __post_init__(self) -> None:
        if self.risk_score != score_of(self.evidence):
            raise ValueError("the score is not the sum of what the evidence contributes")


def sources_of(versions: Iterable[ListVersion]) -> tuple[Source, ...]:
    """Return the versions of lists as an answer names them."""
    return tuple(
        Source(
            name=version.source,
            issued=version.issued,
            sha256=version.sha256,
            entries=version.entries,
            version=None if version.is_sample else version.number,
            is_sanctions=version.is_sanctions,
        )
        for version in versions
    )


def listed_party(listing: Listing) -> ListedParty:
    """Return a row of a list as evidence shows it."""
    row, facts = listing.row, listing.row.facts
    return ListedParty(
        address=row.address,
        asset=row.asset,
        name=row.label or None,
        aliases=facts.aliases,
        party_type=facts.party_type,
        list_uid=facts.list_uid,
        programs=facts.programs,
        listed_on=facts.listed_on,
        source_url=listing.source_url,
    )


def weighed(evidence: Sequence[Evidence]) -> tuple[Evidence, ...]:
    """Fill in what each reason contributes, given its share and weight, in the given order."""
    contributions = weigh([(item.share, item.weight) for item in evidence])
    return tuple(
        replace(item, contribution=contribution)
        for item, contribution in zip(evidence, contributions, strict=True)
    )


def score_of(evidence: Sequence[Evidence]) -> Decimal:
    """Return the score that the evidence adds up to."""
    return sum((item.contribution for item in evidence), _ZERO)


class FailureReason(StrEnum):
    """Why a provider failed for good, in words that a customer may read."""

    REFUSED = "the risk provider refused the question"
    BROKEN = "the risk provider could not answer"
    NO_LIST = "no list was in force on that day"
    NO_PART = "the address takes no part in the transaction, or the transaction is not known"
    NOT_ALL_READ = "nobody was found, but not everything was looked at"


class ProviderFailed(Exception):
    """There is no answer and there will be none: the credit is refunded."""

    def __init__(self, reason: FailureReason, detail: str = "") -> None:
        self.description = f"{reason.value}: {detail}" if detail else reason.value
        super().__init__(self.description)


class ProviderUnknown(Exception):
    """Whether there is an answer is not known: the question is asked again."""


class ProviderNotAsked(ProviderUnknown):
    """There is no answer yet, and surely nothing to pay for: the question is asked again."""


class ProviderPending(Exception):
    """The provider works on it: it is looked at again, under this reference."""

    def __init__(self, reference: str) -> None:
        super().__init__("the risk provider works on the question")
        self.reference = reference


@runtime_checkable
class ChoosesAddresses(Protocol):
    """A provider that is not asked about every address of the currencies that it supports."""

    def why_not(self, currency: str, address: str, /) -> str | None:
        """Return why it is not asked about an address, in words for people; None: it is asked."""
        ...


class RiskProvider(Protocol):
    """Whoever assesses addresses and transactions.

    After ProviderUnknown, ProviderPending or a crash, it is asked what it recalls of the question;
    only then the same question may be asked again.
    """

    @property
    def name(self) -> str:
        """The name that is stored with its answers."""
        ...

    async def edition(self) -> str:
        """Return which edition of its data it answers from now; empty where it tells none."""
        ...

    def supports(
        self, assessment_type: AssessmentType, currency: str, as_of: date | None, /
    ) -> bool:
        """Say whether such a question can be answered at all; asked before any debit."""
        ...

    async def assess(self, question: Question) -> Answer:
        """Answer a question; raises ProviderFailed, ProviderUnknown or ProviderPending."""
        ...

    async def find_existing(self, question: Question) -> Answer | None:
        """Return the answer to a question that it may have been asked.

        None: asking it now is not paid for twice. Raises ProviderPending while it works on it, and
        ProviderUnknown when it cannot tell.
        """
        ...
