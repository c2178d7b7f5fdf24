"""Assessments: the question, and the answer with its evidence."""

from collections.abc import Collection, Mapping
from typing import Annotated, Self

from pydantic import Field, model_validator
from typing_extensions import override

from app.domain.assessments import AssessmentStatus, AssessmentType
from app.schemas.fields import (
    Allowed,
    LongText,
    LongWord,
    RequestModel,
    ResponseModel,
    ShortWord,
    StrictBoolean,
    TextList,
    Timestamp,
    missing,
)
from app.schemas.paging import PageResponse

AssessmentTypeSent = Annotated[
    AssessmentType, Allowed(f"one of: {', '.join(sorted(AssessmentType))}")
]


class AssessmentQuestion(RequestModel):
    """What both ways of asking share; the order of the fields is the order of the checks."""

    assessment_type: AssessmentTypeSent = Field(examples=["address"])
    address: LongWord = Field(
        description="The blockchain address", examples=["12Cyjf3qV6qLyXdzpLSLPdRFPUVidvnzFM"]
    )
    currency: ShortWord = Field(description="The currency's ticker", examples=["BTC"])
    tx_hash: LongWord | None = Field(
        None,
        description="The transaction, needed for the type `transaction`",
        examples=["4a5e1e4baab89f3a32518a88c31bc87f618f76673e2cc77ab2127b7afdeda33b"],
    )

    fresh: StrictBoolean = Field(
        False,
        description="Ask anew, and pay, even if the same was answered a short while ago",
        examples=[False],
    )

    @classmethod
    @override
    def ignored(cls, sent: Mapping[str, object]) -> Collection[str]:
        return ("tx_hash",) if sent.get("assessment_type") == AssessmentType.ADDRESS else ()

    @model_validator(mode="after")
    def _transaction_is_named(self) -> Self:
        if self.assessment_type is AssessmentType.TRANSACTION and self.tx_hash is None:
            raise missing("tx_hash")
        return self


class CreateAssessmentRequest(AssessmentQuestion):
    """A question about an address or a transaction, paid by the caller."""


class _PayingCode(RequestModel):
    access_code: LongText = Field(
        description="The access code that pays", examples=["Zk3v9QxT1mB7sWcE"]
    )


class CreateAssessmentForAccessCodeRequest(AssessmentQuestion, _PayingCode):
    """A question about an address or a transaction, paid by an access code."""


class CheckAssessmentListRequest(RequestModel):
    """Assessments to be looked up."""

    access_code: LongText = Field(examples=["Zk3v9QxT1mB7sWcE"])
    assessment_id_list: TextList = Field(
        description="At most 1,000 ids", examples=[["asm_00VbhnY6RLeQ2oZmgNCoZuaKC"]]
    )


class EvidenceResponse(ResponseModel):
    """One reason for the score, or, in the category `scope`, one limit of it."""

    category: str = Field(examples=["sanctions"])
    source: str = Field(examples=["OFAC SDN"])
    detail: str = Field(examples=["The address is on the list"])


class SourceResponse(ResponseModel):
    """One list that was asked."""

    name: str = Field(examples=["OFAC SDN"])
    issued: str | None = Field(description="Its date, if known", examples=["2026-01-10"])
    sha256: str = Field(
        examples=["36c517bd264d8d97eff353eadd8d84427d5eb293505a8ce07271a5bc258c3117"]
    )
    entries: int = Field(examples=[760])


class AnswerResponse(ResponseModel):
    """What the provider said."""

    risk_score: str = Field(description="From 0, none known, to 1", examples=["1"])
    grade: str = Field(examples=["sanctioned"])
    address_form: str = Field(
        description="Whether the address has the form of its currency", examples=["valid"]
    )
    evidence: list[EvidenceResponse]
    sources: list[SourceResponse]


class AssessmentResponse(ResponseModel):
    """An assessment."""

    assessment_id: str = Field(examples=["asm_00VbhnY6RLeQ2oZmgNCoZuaKC"])
    status: AssessmentStatus = Field(examples=["ready"])
    created_at: Timestamp = Field(examples=["2026-01-11T12:46:01Z"])
    updated_at: Timestamp = Field(examples=["2026-01-11T12:46:02Z"])
    assessment_type: AssessmentType = Field(examples=["address"])
    address: str = Field(examples=["12Cyjf3qV6qLyXdzpLSLPdRFPUVidvnzFM"])
    currency: str = Field(examples=["BTC"])
    tx_hash: str | None = Field(
        examples=["4a5e1e4baab89f3a32518a88c31bc87f618f76673e2cc77ab2127b7afdeda33b"]
    )
    provider: str = Field(description="Who answers", examples=["sanctions"])
    answer: AnswerResponse | None = Field(description="Null until it is ready")
    failure_reason: str | None = Field(
        description="Why it failed, if it did; the credit was refunded",
        examples=["the risk provider refused the question"],
    )


class AssessmentPage(PageResponse[AssessmentResponse]):
    """Assessments, newest first."""


class NewAssessmentResponse(AssessmentResponse):
    """An assessment at its creation, or the earlier one that answers the same question."""

    charged: bool = Field(
        description="Whether a credit was debited; false: the answer is an earlier one",
        examples=[True],
    )
    age_seconds: int = Field(
        description="How old the earlier assessment is; 0 for a new one", examples=[0]
    )
    credits_available: int = Field(description="The balance left", examples=[9])
