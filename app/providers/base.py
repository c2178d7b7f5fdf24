"""What every risk provider is asked, what it answers, and how it fails."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Protocol

from app.domain.addresses import AddressForm
from app.domain.assessments import AssessmentType


@dataclass(frozen=True, kw_only=True)
class Question:
    """One paid question. `tx_hash` is set when a transaction is assessed."""

    assessment_id: str
    assessment_type: AssessmentType
    address: str
    currency: str
    tx_hash: str | None


@dataclass(frozen=True, kw_only=True)
class Source:
    """Where an answer comes from: a list, when it was issued (None: not known), what it held."""

    name: str
    issued: date | None
    sha256: str
    entries: int


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """One reason for an answer, or, in the category `scope`, one limit of it."""

    category: str
    source: str
    detail: str


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What a provider says: a risk from 0 (none known) to 1 (certain), and why."""

    risk_score: Decimal
    grade: str
    evidence: tuple[Evidence, ...]
    provider: str
    sources: tuple[Source, ...]
    address_form: AddressForm


class FailureReason(StrEnum):
    """Why a provider failed for good, in words that a customer may read."""

    REFUSED = "the risk provider refused the question"
    BROKEN = "the risk provider could not answer"


class ProviderFailed(Exception):
    """There is no answer and there will be none: the credit is refunded."""

    def __init__(self, reason: FailureReason) -> None:
        super().__init__(reason.value)
        self.description = reason.value


class ProviderUnknown(Exception):
    """Whether there is an answer is not known: the question is asked again."""


class RiskProvider(Protocol):
    """Whoever assesses addresses and transactions.

    The same `assessment_id` may be asked again after ProviderUnknown or a crash.
    """

    @property
    def name(self) -> str:
        """The name that is stored with its answers."""
        ...

    @property
    def edition(self) -> str:
        """Which edition of its data it answers from, now; empty where it tells none."""
        ...

    async def assess(self, question: Question) -> Answer:
        """Answer a question; raises ProviderFailed or ProviderUnknown."""
        ...
