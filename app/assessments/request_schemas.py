"""What callers send to have addresses and transactions assessed."""

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any, Final, Self

from pydantic import (
    BeforeValidator,
    Field,
    GetCoreSchemaHandler,
    ValidationError,
    WithJsonSchema,
    model_validator,
)
from pydantic_core import CoreSchema, core_schema
from typing_extensions import override

from app.assessments.rules.questions import DAY_TEXT, FIRST_DAY, AssessmentType
from app.web.fields import (
    Allowed,
    LongText,
    LongWord,
    RequestModel,
    ShortWord,
    StrictBoolean,
    TextList,
    missing,
    not_allowed,
)
from app.web.labels import LabelledRequest

MAX_QUESTIONS: Final = 500
AssessmentTypeSent = Annotated[
    AssessmentType, Allowed(f"one of: {', '.join(sorted(AssessmentType))}")
]


_DAY: Final = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


def _read_day(value: object) -> date:
    if not isinstance(value, str) or not _DAY.fullmatch(value):
        raise not_allowed(DAY_TEXT)
    try:
        day = date.fromisoformat(value)
    except ValueError:  # the 30th of February
        raise not_allowed(DAY_TEXT) from None
    if day < FIRST_DAY:
        raise not_allowed(DAY_TEXT)
    return day


DaySent = Annotated[
    date,
    BeforeValidator(_read_day),
    WithJsonSchema({"type": "string", "format": "date"}, mode="validation"),
]


class _Question(RequestModel):
    """What is asked; the order of the fields is the order of the checks."""

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
    as_of: DaySent | None = Field(
        None,
        description="Answer as of this day (UTC): what the lists said then. Without it, as of now",
        examples=["2025-01-31"],
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


class AssessmentQuestion(LabelledRequest, _Question):
    """What all ways of asking share."""


class CreateAssessmentRequest(AssessmentQuestion):
    """A question about an address or a transaction, paid by the caller."""


class _PayingCode(RequestModel):
    access_code: LongText = Field(
        description="The access code that pays", examples=["Zk3v9QxT1mB7sWcE"]
    )


class CreateAssessmentForAccessCodeRequest(AssessmentQuestion, _PayingCode):
    """A question about an address or a transaction, paid by an access code."""


@dataclass(frozen=True)
class Malformed:
    """A question that is none: its faults, as pydantic lists them."""

    errors: Sequence[Mapping[str, Any]]


class _ValidatedApart:
    """Annotation of a question among many: one that is malformed does not spoil the others."""

    def __get_pydantic_core_schema__(
        self, _source: object, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return core_schema.no_info_wrap_validator_function(
            _validate, handler.generate_schema(AssessmentQuestion)
        )


def _validate(
    value: object, question: Callable[[object], AssessmentQuestion]
) -> AssessmentQuestion | Malformed:
    try:
        return question(value)
    except ValidationError as error:
        faults = error.errors(include_url=False, include_input=False)
        return Malformed([{**fault, "loc": ("question", *fault["loc"])} for fault in faults])


class CreateAssessmentsRequest(_PayingCode):
    """Many questions, paid by an access code."""

    questions: Annotated[
        list[Annotated[Any, _ValidatedApart()]],
        Field(min_length=1, max_length=MAX_QUESTIONS),
        Allowed(f"a list of 1 to {MAX_QUESTIONS} questions"),
    ] = Field(
        description=f"At most {MAX_QUESTIONS}, in the order in which they are answered",
        examples=[
            [
                {
                    "assessment_type": "address",
                    "address": "12Cyjf3qV6qLyXdzpLSLPdRFPUVidvnzFM",
                    "currency": "BTC",
                }
            ]
        ],
    )


class CheckAssessmentListRequest(RequestModel):
    """Assessments to be looked up."""

    access_code: LongText = Field(examples=["Zk3v9QxT1mB7sWcE"])
    assessment_id_list: TextList = Field(
        description="At most 1,000 ids", examples=[["asm_00VbhnY6RLeQ2oZmgNCoZuaKC"]]
    )
