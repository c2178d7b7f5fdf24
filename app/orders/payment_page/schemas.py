"""The link to a payment page: what is asked for, and what is answered."""

from typing import Annotated, Final

from pydantic import Field, Strict

from app.runtime.origins import MAX_URL_LENGTH
from app.web.fields import Allowed, RequestModel, ResponseModel, Text, Timestamp

MIN_SECONDS: Final = 300
MAX_SECONDS: Final = 2_592_000
DAY_SECONDS: Final = 86_400


class PaymentPageRequest(RequestModel):
    """How long a link is good, and where the page leads back to."""

    expires_in_seconds: Annotated[
        int,
        Strict(),
        Field(ge=MIN_SECONDS, le=MAX_SECONDS),
        Allowed(f"a whole number from {MIN_SECONDS} to {MAX_SECONDS}"),
    ] = Field(
        DAY_SECONDS,
        description=f"How long the link is good; absent: {DAY_SECONDS}, a day",
        examples=[3600],
    )
    return_url: Annotated[str, Text(MAX_URL_LENGTH)] | None = Field(
        None,
        description="Where a link on the page leads back to; its origin must be one that the"
        " operator of the server allows. Absent: the page leads nowhere",
        examples=[None],
    )


class PaymentPageResponse(ResponseModel):
    """A link to a page on which the buyer of an order pays."""

    url: str = Field(
        description="For the buyer: whoever has it sees the order and its payment. Shown only here",
        examples=["https://assay.example.com/pay/0UMuLYuBKFHoPXsfVGVHAKVX2AnQmrzq5xkCq0yyuG3"],
    )
    expires_at: Timestamp = Field(
        description="Until when it is good", examples=["2026-01-12T12:46:03Z"]
    )
