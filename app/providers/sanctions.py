"""The provider `sanctions`: is an address on a sanctions list, yes or no."""

from decimal import Decimal
from typing import Final

from app.domain.addresses import check_address
from app.domain.assessments import AssessmentType
from app.domain.risk import CATEGORIES, SANCTIONS, SCOPE, grade_of
from app.providers.base import Answer, Evidence, Question, score_of, weighed
from app.providers.lists import SAMPLE_NAME, Listing, SanctionsLists

NAME: Final = "sanctions"
# Not "none": that an address is not listed says nothing else about it.
GRADE_NOT_LISTED: Final = "not on the lists"


class SanctionsProvider:
    """Answers from lists in memory: it neither fails nor keeps anybody waiting."""

    def __init__(self, lists: SanctionsLists) -> None:
        self._lists = lists

    @property
    def name(self) -> str:
        """The name that is stored with its answers."""
        return NAME

    async def edition(self) -> str:
        """A hash of the lists that are looked at."""
        return self._lists.edition

    def supports(self, _assessment_type: AssessmentType, _currency: str) -> bool:
        """Any address may stand on a list, whatever it is filed under."""
        return True

    async def assess(self, question: Question) -> Answer:
        """Score 1 when the address is listed under any asset, else 0."""
        listings = self._lists.find(question.address)
        evidence = weighed([*map(_hit, listings), *self._limits(question)])
        score = score_of(evidence)
        return Answer(
            risk_score=score,
            grade=grade_of(score) if listings else GRADE_NOT_LISTED,
            evidence=evidence,
            provider=NAME,
            sources=self._lists.sources,
            address_form=check_address(question.currency, question.address),
        )

    async def recall(self, _question: Question) -> Answer | None:
        """Nothing is kept of a question, and asking again costs nothing."""
        return None

    def _limits(self, question: Question) -> list[Evidence]:
        limits = []
        if question.assessment_type is AssessmentType.TRANSACTION:
            limits.append("only the address was screened, not the transaction")
        if self._lists.is_sample:
            limits.append(f"screened against the {SAMPLE_NAME}")
        return [Evidence(category=SCOPE, source=NAME, detail=limit) for limit in limits]


def _hit(listing: Listing) -> Evidence:
    owner = f" of {listing.party}" if listing.party else ""
    issued = listing.source.issued
    when = f"issued {issued.isoformat()}" if issued else "of unknown date"
    return Evidence(
        category=SANCTIONS,
        source=listing.source.name,
        source_date=issued,
        share=Decimal(1),
        weight=CATEGORIES[SANCTIONS],
        detail=f"{listing.address}{owner} is listed under {listing.asset} in "
        f"{listing.source.name}, {when}",
    )
