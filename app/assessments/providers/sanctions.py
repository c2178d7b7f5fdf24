"""The provider `sanctions`: is an address on a sanctions list, now or as of a day, yes or no."""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import date
from decimal import Decimal
from typing import Final

from app.addresses import check_address
from app.assessments.providers.base import (
    Answer,
    Evidence,
    FailureReason,
    ProviderFailed,
    Question,
    listed_party,
    score_of,
    sources_of,
    weighed,
)
from app.assessments.rules.questions import AssessmentType
from app.assessments.rules.risk_words import category_words
from app.lists.rules.coverage import not_covered, not_joined
from app.lists.rules.listings import ListFinder, Listing, Lookup, edition_of, most_told_first
from app.lists.rules.risk import NOT_COVERED, SANCTIONS, SCOPE, grade_of, weight_of

NAME: Final = "sanctions"
# Not "none": that an address is not listed says nothing else about it.
GRADE_NOT_LISTED: Final = "not on the lists"


Faults = Callable[[], Awaitable[Sequence[str]]]


async def _no_faults() -> Sequence[str]:
    return ()


class SanctionsProvider:
    """Answers from lists that are at hand: it keeps nobody waiting."""

    def __init__(self, finder: ListFinder, *, faults: Faults = _no_faults) -> None:
        """`faults` says which lists that an operator wants are missing or too old."""
        self._finder = finder
        self._faults = faults

    @property
    def name(self) -> str:
        """The name that is stored with its answers."""
        return NAME

    async def edition(self) -> str:
        """Return a hash of the lists that are looked at."""
        return edition_of(await self._finder.versions())

    def supports(
        self, _assessment_type: AssessmentType, _currency: str, _as_of: date | None
    ) -> bool:
        """Any address may stand on a list, whatever it is filed under; lists have a memory."""
        return True

    async def assess(self, question: Question) -> Answer:
        """Score 1 when the address is listed under any asset, else 0.

        Raises ProviderFailed when no sanctions list was in force on the day that is asked about.
        """
        lookup = await self._finder.find(question.address, question.as_of)
        counting = [version for version in lookup.versions if version.is_sanctions]
        if not counting:
            raise ProviderFailed(FailureReason.NO_LIST)
        listings = sanctioned(lookup.listings)
        blind = not_covered(counting, question.currency, question.address, what="sanctions list")
        limits = [_limit(one) for one in blind if not listings]
        limits += [*_limits(question, lookup), *await self._stale(question)]
        evidence = weighed([*map(_hit, listings), *limits])
        score, grade = verdict(listings)
        if blind and not listings:
            grade = NOT_COVERED
        return Answer(
            risk_score=score,
            grade=grade,
            evidence=evidence,
            provider=NAME,
            sources=sources_of(lookup.versions),
            address_form=check_address(question.currency, question.address),
        )

    async def _stale(self, question: Question) -> list[Evidence]:
        """Say which required lists are old, in an answer as of now."""
        faults = await self._faults() if question.as_of is None else ()
        return [_limit(fault) for fault in faults]

    async def find_existing(self, _question: Question) -> Answer | None:
        """Nothing is kept of a question, and asking again costs nothing."""
        return None


def sanctioned(listings: Iterable[Listing]) -> tuple[Listing, ...]:
    """Return the listings that count here: the surest first, then what says most of the party.

    Tag packs say other things, too.
    """
    counting = [listing for listing in listings if listing.row.category == SANCTIONS]
    return tuple(sorted(most_told_first(counting), key=lambda one: -_weight(one)))


def verdict(listings: Iterable[Listing]) -> tuple[Decimal, str]:
    """Return the score and the grade of an address that is sanctioned in these listings."""
    hits = weighed([_hit(listing) for listing in listings])
    score = score_of(hits)
    return score, grade_of(score) if hits else GRADE_NOT_LISTED


def _weight(listing: Listing) -> Decimal:
    return weight_of(SANCTIONS, listing.row.confidence)


def _limits(question: Question, lookup: Lookup) -> list[Evidence]:
    limits = []
    if not sanctioned(lookup.listings):
        limits = [*_of_nothing_found(lookup.listings), *not_joined(question.address)]
    if question.assessment_type is AssessmentType.TRANSACTION:
        limits.append("only the address was screened, not the transaction")
    if question.as_of is not None:
        limits.append(f"screened against what the lists said on {question.as_of.isoformat()}")
    limits += [f"screened against the {one.source}" for one in lookup.versions if one.is_sample]
    return [_limit(limit) for limit in limits]


def _limit(detail: str) -> Evidence:
    return Evidence(category=SCOPE, source=NAME, detail=detail)


def _of_nothing_found(listings: Iterable[Listing]) -> list[str]:
    """Say what was not looked at, and what else is said of the address: silence is no answer."""
    others = dict.fromkeys(
        (category_words(one.row.category), one.version.source)
        for one in listings
        if one.row.category != SANCTIONS
    )
    return ["only this address was looked for, not whom it dealt with"] + [
        f"tagged as {words} in {source}, which is no sanction and does not count here"
        for words, source in others
    ]


def _hit(listing: Listing) -> Evidence:
    row, version = listing.row, listing.version
    owner = f" of {row.label}" if row.label else ""
    which = version.source if version.is_sample else f"{version.source}, version {version.number}"
    when = f"issued {version.issued.isoformat()}" if version.issued else "of unknown date"
    return Evidence(
        category=SANCTIONS,
        source=version.source,
        source_date=version.issued,
        share=Decimal(1),
        weight=_weight(listing),
        detail=f"{row.address}{owner} is listed under {row.asset} in {which}, {when}",
        listing=listed_party(listing),
        hops=0,
    )
