"""Users and what an account may know of itself."""

from enum import StrEnum

from pydantic import Field

from app.web.fields import Email, LongText, Password, RequestModel, ResponseModel, Timestamp


class AccountType(StrEnum):
    """The two kinds of account, as the credits API names them."""

    USER = "User"
    ACCESS_CODE = "AccessCode"


class Activity(StrEnum):
    """Whether an account may act; an expired access code is inactive."""

    ACTIVE = "Active"
    INACTIVE = "Inactive"

    @classmethod
    def of(cls, active: bool) -> "Activity":
        """Name a yes or no."""
        return cls.ACTIVE if active else cls.INACTIVE


class RegisterRequest(RequestModel):
    """A new user."""

    email: Email = Field(examples=["buyer@example.com"])
    password: Password = Field(examples=["correct horse battery"])


class RegisterResponse(ResponseModel):
    """The user that was made."""

    id: str = Field(examples=["acc_00VbhnY6RLeQ2oZmgNCoZuaKC"])
    email: str = Field(examples=["buyer@example.com"])
    affiliate_code: str = Field(
        description="The `affiliate_origin` of the access codes it will issue",
        examples=["8sYtQ2mKpL"],
    )


class LoginRequest(RequestModel):
    """E-mail and password."""

    email: LongText = Field(examples=["buyer@example.com"])
    password: LongText = Field(examples=["correct horse battery"])


class LoginResponse(ResponseModel):
    """A session."""

    session_token: str = Field(
        description="Send it as `Authorization: Bearer …`; it is shown only here",
        examples=["assay_session_…"],
    )
    expires_at: Timestamp = Field(examples=["2026-01-18T12:46:01Z"])


class ChangePasswordRequest(RequestModel):
    """The old password and the new one."""

    password: LongText = Field(examples=["correct horse battery"])
    new_password: Password = Field(examples=["staple horse correct"])


class SelfStatusResponse(ResponseModel):
    """The caller's own account; what belongs to the other kind of account is null."""

    id: str = Field(examples=["acc_00VbhnY6RLeQ2oZmgNCoZuaKC"])
    type: AccountType = Field(examples=["User"])
    status: Activity = Field(examples=["Active"])
    credits_available: int = Field(examples=[10])
    created_at: Timestamp = Field(examples=["2026-01-11T12:46:01Z"])
    email: str | None = Field(examples=["buyer@example.com"])
    affiliate_code: str | None = Field(examples=["8sYtQ2mKpL"])
    access_code: str | None = Field(examples=["Zk3v9QxT1mB7sWcE"])
    expires_at: Timestamp | None = Field(examples=["2027-01-11T12:46:01Z"])
    affiliate_origin: str | None = Field(
        description="The affiliate code of the user that issued the access code",
        examples=["8sYtQ2mKpL"],
    )
