"""The public keys that receipts are checked with, and where a receipt is asked for."""

from typing import Annotated

from fastapi import Path
from pydantic import Field

from app.web.fields import ResponseModel, Timestamp

AssessmentIdInPath = Annotated[
    str, Path(description="The assessment's id", examples=["asm_00VbhnY6RLeQ2oZmgNCoZuaKC"])
]


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
