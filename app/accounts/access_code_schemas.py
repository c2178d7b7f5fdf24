"""Access codes."""

from pydantic import Field

from app.accounts.schemas import Activity
from app.web.fields import (
    Credits,
    LongText,
    RequestModel,
    ResponseModel,
    StrictBoolean,
    TimeSent,
    Timestamp,
)
from app.web.pages import PageResponse


class CheckAccessCodeStatusRequest(RequestModel):
    """An access code to be looked up."""

    access_code: LongText = Field(examples=["Zk3v9QxT1mB7sWcE"])


class CreateAccessCodeRequest(RequestModel):
    """A new access code."""

    expires_at: TimeSent | None = Field(
        None, description="When it expires; absent: never", examples=["2030-01-31T12:00:00Z"]
    )
    credits: Credits | None = Field(
        None, description="How many of the caller's credits move to it", examples=[5]
    )


class MoveCreditsRequest(RequestModel):
    """Credits for an access code."""

    credits: Credits = Field(
        description="How many of the caller's credits move to the code", examples=[5]
    )


class DeactivateAccessCodeRequest(RequestModel):
    """What becomes of the credits of a code that goes out of use."""

    keep_credits: StrictBoolean = Field(
        False,
        description="Leave its credits on it, and those that still come; absent: they go back to"
        " its issuer",
        examples=[False],
    )


class ReturnCreditsRequest(RequestModel):
    """Credits that come back from an access code."""

    number_of_credits: Credits | None = Field(
        None, description="How many come back to the caller; absent: all", examples=[5]
    )


class AccessCodeResponse(ResponseModel):
    """An access code, as its owner and its issuer see it."""

    access_code: str = Field(examples=["Zk3v9QxT1mB7sWcE"])
    status: Activity = Field(description="`Inactive` when it expired, too", examples=["Active"])
    created_at: Timestamp = Field(examples=["2026-01-11T12:46:01Z"])
    expires_at: Timestamp | None = Field(
        description="Null: never", examples=["2027-01-11T12:46:01Z"]
    )
    affiliate_origin: str = Field(
        description="The affiliate code of the user that issued it", examples=["8sYtQ2mKpL"]
    )
    credits_available: int = Field(examples=[10])


class ReturnedCreditsResponse(AccessCodeResponse):
    """An access code whose credits came back."""

    credits_returned: int = Field(
        description="How many credits went from it to its issuer just now", examples=[5]
    )


class AccessCodePage(PageResponse[AccessCodeResponse]):
    """Access codes, newest first."""
