"""Movements of credits."""

from pydantic import Field

from app.ledger.rules import EntryKind
from app.web.fields import ResponseModel, Timestamp
from app.web.pages import PageResponse


class LedgerEntryResponse(ResponseModel):
    """One movement of credits on one account."""

    kind: EntryKind = Field(
        description="`purchase`: an order; `assessment`: a question; `refund`: a question that"
        " failed; `transfer`: between a user and an access code that it issued; `adjustment`: by"
        " the operator",
        examples=["purchase"],
    )
    credits: int = Field(description="Positive: they came; negative: they went", examples=[10])
    balance_after: int = Field(description="What the account had then", examples=[25])
    at: Timestamp = Field(examples=["2026-01-11T12:46:01Z"])
    order_id: str | None = Field(
        description="Of a purchase", examples=["ord_00VbhnY6RLeQ2oZmgNCoZuaKC"]
    )
    assessment_id: str | None = Field(
        description="Of an assessment or a refund", examples=["asm_00VbhnY6RLeQ2oZmgNCoZuaKC"]
    )


class LedgerPage(PageResponse[LedgerEntryResponse]):
    """Movements of credits, newest first."""
