"""API keys."""

from typing import Annotated

from fastapi import Path, Query
from pydantic import Field

from app.web.fields import (
    FlagInQuery,
    LongText,
    RequestModel,
    ResponseModel,
    TimeSent,
    Timestamp,
)
from app.web.paging import PageResponse

PrefixInPath = Annotated[str, Path(description="The key's `prefix`", examples=["HFnCU1LAU2"])]

KeepChildrenParameter = Annotated[
    FlagInQuery,
    Query(description="Leave the keys that this one made as they are", examples=[False]),
]


class CreateApiKeyRequest(RequestModel):
    """A new key, for the caller or for an access code that it issued."""

    expires_at: TimeSent | None = Field(
        None,
        description="When it expires; absent: never. A key that is made by a key expires with that "
        "one at the latest; absent: then",
        examples=["2030-01-31T12:00:00Z"],
    )
    access_code: LongText | None = Field(
        None,
        description="Make the key for this access code; absent: for the caller",
        examples=["Zk3v9QxT1mB7sWcE"],
    )


class ApiKeyResponse(ResponseModel):
    """A key, without its secret."""

    prefix: str = Field(description="Names the key in lists and logs", examples=["HFnCU1LAU2"])
    created_at: Timestamp = Field(examples=["2026-01-11T12:46:01Z"])
    expires_at: Timestamp | None = Field(
        description="Null: never", examples=["2027-01-11T12:46:01Z"]
    )
    revoked_at: Timestamp | None = Field(
        description="Null: not revoked", examples=["2026-06-01T08:00:00Z"]
    )


class NewApiKeyResponse(ApiKeyResponse):
    """A key at its creation."""

    api_key: str = Field(
        description="Send it as `X-API-KEY`; it is shown only here", examples=["assay_HFnCU1LAU2_…"]
    )


class ApiKeyPage(PageResponse[ApiKeyResponse]):
    """API keys, newest first."""
