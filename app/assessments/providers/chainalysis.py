"""The provider `chainalysis`: is an address sanctioned, as Chainalysis' public API knows it?

A look-up costs nothing and changes nothing, so one that failed is simply asked again.
"""

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Final

from app.addresses import check_address, plain_address
from app.assessments.providers.base import (
    Answer,
    Evidence,
    FailureReason,
    ProviderFailed,
    ProviderNotAsked,
    Question,
    score_of,
    weighed,
)
from app.assessments.rules.questions import AssessmentType
from app.lists.rules.risk import CATEGORIES, SANCTIONS, SCOPE, grade_of
from app.partners.chainalysis import wire
from app.partners.chainalysis.wire import Identification
from app.partners.failures import OperatorNeeded, PartnerFailure, Refused
from app.partners.http import PartnerClient

NAME: Final = "chainalysis"
SOURCE: Final = "Chainalysis sanctions API"
KEY_HEADER: Final = "X-API-Key"
# Not "none": that an address is not listed says nothing else about it.
GRADE_NOT_LISTED: Final = "not on the lists"

Alarm = Callable[[str], None]


class ChainalysisProvider:
    """Asks the sanctions API. `http` is of its base URL, with the key in KEY_HEADER.

    `alarm` is told what an operator must look at.
    """

    def __init__(self, http: PartnerClient, *, alarm: Alarm) -> None:
        self._http = http
        self._alarm = alarm

    @property
    def name(self) -> str:
        """The name that is stored with its answers."""
        return NAME

    async def edition(self) -> str:
        """None is told: an answer is as of the time when it was given."""
        return ""

    def supports(
        self, _assessment_type: AssessmentType, _currency: str, as_of: date | None
    ) -> bool:
        """Any address may be looked up, as of now; none is filed under a currency."""
        return as_of is None

    async def assess(self, question: Question) -> Answer:
        """Score 1 when the address is sanctioned, else 0.

        Raises ProviderFailed when it will not answer, ProviderNotAsked when it may later.
        """
        try:
            identifications = await self._http.fetch(
                wire.request_of(plain_address(question.currency, question.address)),
                wire.read_identifications,
            )
        except Refused as failure:
            raise ProviderFailed(FailureReason.REFUSED) from failure
        except OperatorNeeded as failure:
            self._alarm(f"chainalysis_{failure.label}")
            raise ProviderFailed(FailureReason.BROKEN) from failure
        except PartnerFailure as failure:
            raise ProviderNotAsked from failure
        return _answer(question, identifications)

    async def find_existing(self, _question: Question) -> Answer | None:
        """Nothing is kept of a question, and asking again costs nothing."""
        return None


def chainalysis_headers(api_key: str) -> dict[str, str]:
    """Return the headers that a request to the sanctions API needs."""
    return {KEY_HEADER: api_key}


def _answer(question: Question, identifications: tuple[Identification, ...]) -> Answer:
    evidence = weighed([*map(_hit, identifications), *_limits(question)])
    score = score_of(evidence)
    return Answer(
        risk_score=score,
        grade=grade_of(score) if identifications else GRADE_NOT_LISTED,
        evidence=evidence,
        provider=NAME,
        sources=(),
        address_form=check_address(question.currency, question.address),
    )


def _hit(identification: Identification) -> Evidence:
    return Evidence(
        category=SANCTIONS,
        source=SOURCE,
        detail=f"{identification.name} ({identification.category})",
        share=Decimal(1),
        weight=CATEGORIES[SANCTIONS],
        hops=0,
    )


def _limits(question: Question) -> list[Evidence]:
    limits = ["only sanctions were looked for"]
    if question.assessment_type is AssessmentType.TRANSACTION:
        limits.append("only the address was screened, not the transaction")
    return [Evidence(category=SCOPE, source=SOURCE, detail=limit) for limit in limits]
