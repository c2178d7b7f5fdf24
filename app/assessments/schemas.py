"""What callers learn of an assessment: the answer with its evidence."""

from datetime import date
from typing import Annotated

from pydantic import Field

from app.addresses.reading import AddressForm
from app.assessments.providers.chainalysis import GRADE_NOT_LISTED
from app.assessments.providers.crystal import GRADE_NOTHING_KNOWN
from app.assessments.providers.exposure import GRADE_NONE_FOUND
from app.assessments.providers.tags import GRADE_NOT_TAGGED
from app.assessments.rules.questions import AssessmentStatus, AssessmentType
from app.lists.rules.risk import CATEGORIES, GRADES, NOT_COVERED
from app.web.fields import ResponseModel, Timestamp
from app.web.labels import ShownMetadata, ShownReference
from app.web.pages import PageResponse
from app.web.vocabularies import Growing, vocabulary

Grade = Annotated[
    str,
    Growing(
        vocabulary(
            "Grade",
            (
                *GRADES,
                NOT_COVERED,
                GRADE_NOT_LISTED,
                GRADE_NOT_TAGGED,
                GRADE_NONE_FOUND,
                GRADE_NOTHING_KNOWN,
            ),
            "A score in a word, from `none` to `severe`; or, where the score is 0 because nothing"
            " was found, where nothing was.",
        )
    ),
]
Category = Annotated[
    str,
    Growing(
        vocabulary(
            "EvidenceCategory",
            sorted(CATEGORIES),
            "What evidence is about; `scope` is a limit of the answer, which weighs nothing.",
        )
    ),
]
AddressFormShown = Annotated[str, Growing(AddressForm)]


class AssessmentQuestionFault(ResponseModel):
    """What is wrong with a question; nothing was debited for it."""

    detail: str = Field(
        examples=[
            "address must be a well-formed address of the currency (its base58 checksum is wrong)"
        ]
    )
    code: str = Field(examples=["invalid_parameter"])


class ListedPartyResponse(ResponseModel):
    """The row of a list that evidence is from, with what the list says of the party."""

    address: str = Field(
        description="As the list spells it", examples=["1Kys8fqDen8NGFUJ6AFcXfFW5qquuTH4eh"]
    )
    asset: str = Field(description="Under which it is filed", examples=["XBT"])
    name: str | None = Field(
        description="Whose it is; null if the list does not say", examples=["Potekhin Danil"]
    )
    aliases: list[str] = Field(
        description="Other names, in all scripts", examples=[["Cronuswar", "Потехин Данил"]]
    )
    party_type: str | None = Field(
        description="individual, entity, vessel or aircraft; null if the list does not say",
        examples=["individual"],
    )
    list_uid: str | None = Field(description="The list's own id of the party", examples=["29584"])
    programs: list[str] = Field(
        description="The programs under which it is listed", examples=[["CYBER2"]]
    )
    listed_on: str | None = Field(
        description="When the party came to the list; the date of the list is `source_date`",
        examples=["2020-09-16"],
    )
    source_url: str | None = Field(
        description="The page that says so, or else where the list is from",
        examples=["https://sanctionssearch.ofac.treas.gov/Details.aspx?id=29584"],
    )


class EvidenceResponse(ResponseModel):
    """One reason for the score, or, in the category `scope`, one limit of it."""

    category: Category = Field(examples=["sanctions"])
    source: str = Field(examples=["OFAC SDN"])
    detail: str = Field(examples=["The address is on the list"])
    source_date: str | None = Field(
        None, description="The date of the list or tag, if known", examples=["2026-01-10"]
    )
    share: str = Field("0", description="How much is of this category, 0 to 1", examples=["1"])
    weight: str = Field("0", description="How bad the category is, 0 to 1", examples=["1"])
    contribution: str = Field("0", description="What it adds to the score", examples=["1"])
    listing: ListedPartyResponse | None = Field(
        None, description="The row of a list, where it is from one"
    )
    hops: int | None = Field(
        None,
        description="0: about the address itself, 1: about whom it dealt with; null: nobody says",
        examples=[0],
    )


class SourceResponse(ResponseModel):
    """One list that was asked."""

    name: str = Field(examples=["OFAC SDN"])
    issued: str | None = Field(description="Its date, if known", examples=["2026-01-10"])
    sha256: str = Field(
        examples=["36c517bd264d8d97eff353eadd8d84427d5eb293505a8ce07271a5bc258c3117"]
    )
    entries: int = Field(examples=[760])
    version: int | None = Field(
        None, description="Its version here, from 1; null for the built-in sample", examples=[3]
    )
    is_sanctions: bool | None = Field(
        None,
        description="Whether it is a sanctions list; false: a tag pack; null in an answer of an"
        " earlier version",
        examples=[True],
    )


class VendorScoreResponse(ResponseModel):
    """What a vendor itself said, untouched."""

    score: str = Field(examples=["0.304"])
    signals: dict[str, str] = Field(
        description="Its shares by category", examples=[{"exchange_licensed": "0.517"}]
    )
    weights: dict[str, str] = Field(
        description="Its weights by category", examples=[{"exchange_licensed": "0.1"}]
    )


class OpinionResponse(ResponseModel):
    """What one of several providers said, or why it said nothing."""

    provider: str = Field(examples=["crystal"])
    reason: str | None = Field(
        description="Why there is no answer of it",
        examples=["the risk provider answers no such question"],
    )
    risk_score: str | None = Field(description="Null without an answer", examples=["0.3134"])
    grade: Grade | None = Field(description="Null without an answer", examples=["medium"])
    evidence: list[EvidenceResponse]
    provider_reference: str | None = Field(
        description="Under what the provider knows it", examples=["90ba3e5"]
    )
    vendor: VendorScoreResponse | None = Field(
        description="The vendor's own score, where a vendor was asked"
    )


class AnswerResponse(ResponseModel):
    """What the provider said; of several, the one with the highest score."""

    risk_score: str = Field(
        description="From 0, no risk known, to 1, prohibited: the sum of what the evidence"
        " contributes; no probability",
        examples=["1"],
    )
    grade: Grade = Field(examples=["severe"])
    address_form: AddressFormShown = Field(
        description="Whether the address has the form of its currency", examples=["valid"]
    )
    evidence: list[EvidenceResponse]
    sources: list[SourceResponse]
    provider_reference: str | None = Field(
        None, description="Under what the provider knows it", examples=["90ba3e5"]
    )
    vendor: VendorScoreResponse | None = Field(
        None, description="The vendor's own score, where a vendor was asked"
    )
    opinions: list[OpinionResponse] = Field(
        default_factory=list, description="Where several providers were asked, what each said"
    )
    disagreement: bool = Field(
        False, description="Whether their scores are of different grades", examples=[False]
    )
    looked_up: str | None = Field(
        None,
        description="The one spelling of the address by which lists were searched; null where none"
        " was, and in an answer of an earlier version",
        examples=["0x098b716b8aaf21512996dc57eb0615e2383e2f96"],
    )
    ruleset: str | None = Field(
        None, description="By which rules the score was put together", examples=["2026-11-22"]
    )
    summary: str | None = Field(
        None,
        description="The answer in one sentence, as the receipt has it; null for an answer of an"
        " earlier version",
        examples=["Sanctioned by OFAC since 2020-09-16 (CYBER2)"],
    )


class ChangedEntry(ResponseModel):
    """A row that came to a list, or went."""

    address: str = Field(examples=["12Cyjf3qV6qLyXdzpLSLPdRFPUVidvnzFM"])
    asset: str = Field(description="Under which it was filed", examples=["XBT"])
    label: str = Field(description="Whose it is; may be empty", examples=["DOE, Jane"])
    reference: str = Field(description="Where that stands; may be empty", examples=["uid 1"])
    category: Category | None = Field(
        None,
        description="What it says of the address; this and what follows is null or empty in a"
        " change that an earlier version found",
        examples=["sanctions"],
    )
    aliases: list[str] = Field(default_factory=list, examples=[["Cronuswar"]])
    party_type: str | None = Field(None, examples=["individual"])
    list_uid: str | None = Field(
        None, description="The list's own id of the party", examples=["29584"]
    )
    programs: list[str] = Field(default_factory=list, examples=[["CYBER2"]])
    listed_on: str | None = Field(
        None, description="When the party came to the list", examples=["2020-09-16"]
    )
    source_url: str | None = Field(
        None,
        description="The page that says so, or else where the list is from",
        examples=["https://sanctionssearch.ofac.treas.gov/Details.aspx?id=29584"],
    )


class ChangeResponse(ResponseModel):
    """What a later version of a list changed: it lists the address, or no longer does."""

    source: str = Field(examples=["OFAC SDN"])
    version: int = Field(examples=[4])
    issued: str | None = Field(description="The version's date, if known", examples=["2026-02-01"])
    found_at: Timestamp = Field(examples=["2026-02-01T12:46:01Z"])
    is_listed: bool = Field(description="Whether it lists the address", examples=[False])
    score_before: str = Field(
        description="What `sanctions`, or else `tags`, said until then", examples=["1"]
    )
    grade_before: Grade = Field(examples=["severe"])
    score_after: str = Field(description="What it says since", examples=["0"])
    grade_after: Grade = Field(examples=["not on the lists"])
    entries: list[ChangedEntry] = Field(description="The rows that came, or went")


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
    as_of: date | None = Field(
        description="The day as of which was asked; null: as of when it was made",
        examples=["2025-01-31"],
    )
    provider: str = Field(description="Who answers", examples=["sanctions"])
    summary: str = Field(
        description="How it stands, in one sentence: the answer, and what changed since",
        examples=["Not on 3 lists of 2025-11-19; form valid"],
    )
    answer: AnswerResponse | None = Field(description="Null until it is ready")
    failure_reason: str | None = Field(
        description="Why it failed, if it did; the credit was refunded",
        examples=["the risk provider refused the question"],
    )
    client_reference: ShownReference
    metadata: ShownMetadata
    changes: list[ChangeResponse] = Field(
        description="What later versions of lists changed, oldest first; the answer stays as given"
    )


class AssessmentPage(PageResponse[AssessmentResponse]):
    """Assessments, newest first."""


class CreatedAssessmentResponse(AssessmentResponse):
    """An assessment at its creation, or the earlier one that answers the same question."""

    charged: bool = Field(
        description="Whether a credit was debited; false: the answer is an earlier one",
        examples=[True],
    )
    age_seconds: int = Field(
        description="How old the earlier assessment is; 0 for a new one", examples=[0]
    )
    credits_available: int = Field(description="The balance left", examples=[9])


class AssessmentOutcome(ResponseModel):
    """What came of one question of many: an assessment, or what is wrong with the question."""

    assessment: AssessmentResponse | None
    charged: bool = Field(
        description="Whether a credit was debited for it; of a failed one it was refunded",
        examples=[True],
    )
    error: AssessmentQuestionFault | None


class CreatedAssessmentsResponse(ResponseModel):
    """What came of many questions, in their order."""

    outcomes: list[AssessmentOutcome]
    credits_charged: int = Field(description="Debited, less what was refunded", examples=[2])
    credits_available: int = Field(description="The balance left", examples=[8])
