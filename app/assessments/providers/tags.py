"""The provider `tags`: what the imported lists and tag packs say of the address itself.

Every category counts, for every currency, now or as of a day: a pack of mixers on Ethereum is as
much evidence as a sanctions list. Whom the address dealt with is not looked at.
"""

from collections.abc import Iterable
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
    score_of,
    sources_of,
    weighed,
)
from app.assessments.providers.listed_evidence import direct
from app.assessments.rules.questions import AssessmentType
from app.lists.rules.coverage import not_covered, not_joined
from app.lists.rules.listings import ListFinder, Listing, Lookup, edition_of
from app.lists.rules.risk import NOT_COVERED, SCOPE, grade_of

NAME: Final = "tags"
# Not "none": that nobody has tagged an address says nothing else about it.
GRADE_NOT_TAGGED: Final = "no tag found"


class TagsProvider:
    """Answers from lists and tag packs that are at hand: it keeps nobody waiting."""

    def __init__(self, finder: ListFinder) -> None:
        self._finder = finder

    @property
    def name(self) -> str:
        """The name that is stored with its answers."""
        return NAME

    async def edition(self) -> str:
        """Return a hash of the lists that are looked in."""
        return edition_of(await self._finder.versions())

    def supports(
        self, _assessment_type: AssessmentType, _currency: str, _as_of: date | None
    ) -> bool:
        """Any address may have a tag, whatever it is filed under; lists have a memory."""
        return True

    async def assess(self, question: Question) -> Answer:
        """Weigh what the lists say of the address; the heaviest category counts, once.

        Raises ProviderFailed when no list was in force on the day that is asked about.
        """
        lookup = await self._finder.find(question.address, question.as_of)
        if not lookup.versions:
            raise ProviderFailed(FailureReason.NO_LIST)
        tags = direct(lookup.listings)
        blind = [] if tags else not_covered(lookup.versions, question.currency, question.address)
        evidence = weighed([*tags, *_limits(question, lookup, blind)])
        score = score_of(evidence)
        return Answer(
            risk_score=score,
            grade=grade_of(score) if tags else NOT_COVERED if blind else GRADE_NOT_TAGGED,
            evidence=evidence,
            provider=NAME,
            sources=sources_of(lookup.versions),
            address_form=check_address(question.currency, question.address),
        )

    async def find_existing(self, _question: Question) -> Answer | None:
        """Nothing is kept of a question, and asking again costs nothing."""
        return None


def verdict(listings: Iterable[Listing]) -> tuple[Decimal, str]:
    """Return the score and the grade of an address that has these tags."""
    tags = weighed(direct(listings))
    score = score_of(tags)
    return score, grade_of(score) if tags else GRADE_NOT_TAGGED


def _limits(question: Question, lookup: Lookup, blind: list[str]) -> list[Evidence]:
    limits = [*blind, "only what is said of this address was looked for, not whom it dealt with"]
    if not lookup.listings:
        limits += not_joined(question.address)
    if question.assessment_type is AssessmentType.TRANSACTION:
        limits.append("only the address was screened, not the transaction")
    if question.as_of is not None:
        limits.append(f"looked in what the lists said on {question.as_of.isoformat()}")
    limits += [f"looked in the {one.source}" for one in lookup.versions if one.is_sample]
    return [Evidence(category=SCOPE, source=NAME, detail=limit) for limit in limits]
