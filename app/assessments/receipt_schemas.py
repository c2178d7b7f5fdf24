"""Receipts, and the public keys that they are checked with."""

from typing import Annotated, Any

from fastapi import Path
from pydantic import Field

from app.web.fields import ResponseModel, Timestamp

AssessmentIdInPath = Annotated[
    str, Path(description="The assessment's id", examples=["asm_00VbhnY6RLeQ2oZmgNCoZuaKC"])
]


class ReceiptQuestion(ResponseModel):
    """What was asked."""

    assessment_type: str = Field(examples=["address"])
    address: str = Field(examples=["12Cyjf3qV6qLyXdzpLSLPdRFPUVidvnzFM"])
    currency: str = Field(examples=["BTC"])
    tx_hash: str | None = Field(examples=[None])
    as_of: str | None = Field(
        description="The day as of which was asked; null: as of `asked_at`", examples=[None]
    )


class ReceiptProvider(ResponseModel):
    """Who answered."""

    name: str = Field(examples=["sanctions"])
    reference: str | None = Field(
        description="Its own name for the answer, if it gave one", examples=["1234567"]
    )


class ReceiptResponse(ResponseModel):
    """A receipt: RFC 8785 canonical JSON, signed as a whole but for `signature`."""

    schema_name: str = Field(alias="schema", examples=["assay-receipt/1"])
    assessment_id: str = Field(examples=["asm_00VbhnY6RLeQ2oZmgNCoZuaKC"])
    question: ReceiptQuestion
    answer: dict[str, Any] = Field(
        description="The answer as it was given, with its evidence",
        examples=[{"risk_score": "1", "grade": "severe", "evidence": []}],
    )
    sources: list[dict[str, Any]] = Field(
        description="The lists that were asked: their names, dates, hashes and sizes",
        examples=[[{"name": "OFAC SDN", "issued": "2026-01-10", "sha256": "36c5…", "entries": 1}]],
    )
    provider: ReceiptProvider
    ruleset: str | None = Field(
        description="The version of the rules that made the score; null: it was not kept",
        examples=["1"],
    )
    asked_at: Timestamp = Field(examples=["2026-01-11T12:46:01Z"])
    answered_at: Timestamp = Field(examples=["2026-01-11T12:46:02Z"])
    key_id: str = Field(
        description="Which of the public keys it is checked with", examples=["8f0c2a5e9b1d4c37"]
    )
    signature: str = Field(
        description="Ed25519, 128 hexadecimal digits", examples=["5d0c2a5e9b1d4c37" * 8]
    )


class PublicKeyResponse(ResponseModel):
    """A public key of receipts."""

    key_id: str = Field(
        description="The first 16 hexadecimal digits of the key's SHA-256",
        examples=["8f0c2a5e9b1d4c37"],
    )
    algorithm: str = Field(examples=["Ed25519"])
    public_key: str = Field(
        description="32 bytes in hexadecimal digits", examples=["3b6a27bcceb6a42d" * 4]
    )
    since: Timestamp | None = Field(
        description="When it first signed; null: it has signed nothing yet",
        examples=["2026-01-11T12:46:01Z"],
    )
    until: Timestamp | None = Field(
        description="When the next key first signed; null: it is in use. Its receipts stay good",
        examples=["2027-01-11T12:46:01Z"],
    )


class PublicKeysResponse(ResponseModel):
    """Every key that receipts were signed by, the newest first."""

    keys: list[PublicKeyResponse]
