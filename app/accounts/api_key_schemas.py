"""API keys."""

from typing import Annotated, Any, Final

from pydantic import AfterValidator, Field, Strict, model_validator

from app.accounts.rules.key_limits import Scope, read_network
from app.web.fields import (
    Allowed,
    LongText,
    RequestModel,
    ResponseModel,
    ShortText,
    StrictBoolean,
    TimeSent,
    Timestamp,
    not_allowed,
)
from app.web.pages import PageResponse

MAX_NETWORKS: Final = 50
MAX_GRACE_SECONDS: Final = 7 * 24 * 3600
DAY_SECONDS: Final = 24 * 3600
_SCOPES: Final = "a list of at least one of: " + ", ".join(Scope)
NETWORKS_TEXT: Final = (
    f"a list of 1 to {MAX_NETWORKS} networks in CIDR form, such as 203.0.113.0/24 or 2001:db8::/32,"
    " without bits beyond the prefix"
)


def _distinct(scopes: list[Scope]) -> list[Scope]:
    return [scope for scope in Scope if scope in scopes]


def _canonical(network: str) -> str:
    try:
        return str(read_network(network))
    except ValueError:
        raise not_allowed(NETWORKS_TEXT) from None


_Network = Annotated[str, Strict(), Field(min_length=1, max_length=64), AfterValidator(_canonical)]


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
    name: ShortText | None = Field(
        None, description="What you call it, in lists", examples=["shop, production"]
    )
    scopes: (
        Annotated[
            list[Scope],
            Field(min_length=1, max_length=100),
            Allowed(_SCOPES),
            AfterValidator(_distinct),
        ]
        | None
    ) = Field(
        None,
        description="What it may be used for; absent: for everything, or as the key that makes it",
        examples=[["orders:read", "assessments:write"]],
    )
    read_only: StrictBoolean = Field(
        False,
        description="Let it change nothing, whatever its scopes; absent: it may, unless the key "
        "that makes it may not",
        examples=[False],
    )
    ip_allow_list: (
        Annotated[
            list[_Network], Field(min_length=1, max_length=MAX_NETWORKS), Allowed(NETWORKS_TEXT)
        ]
        | None
    ) = Field(
        None,
        description="The networks that it may be used from, IPv4 or IPv6; absent: from everywhere, "
        "or as the key that makes it",
        examples=[["203.0.113.0/24", "2001:db8::/32"]],
    )

    @model_validator(mode="before")
    @classmethod
    def _refuse_empty_limits(cls, sent: Any) -> Any:  # noqa: ANN401
        """Refuse an empty list of limits, which elsewhere is as if it were not sent."""
        if isinstance(sent, dict):
            for name, allowed in (("scopes", _SCOPES), ("ip_allow_list", NETWORKS_TEXT)):
                if sent.get(name) == []:
                    raise not_allowed(allowed, name=name)
        return sent


class RotateApiKeyRequest(RequestModel):
    """How long the old secret of a key is still good."""

    grace_seconds: Annotated[
        int,
        Strict(),
        Field(ge=0, le=MAX_GRACE_SECONDS),
        Allowed(f"a whole number from 0 to {MAX_GRACE_SECONDS}"),
    ] = Field(
        DAY_SECONDS,
        description=f"How long the old secret is still good; absent: {DAY_SECONDS}, a day",
        examples=[3600],
    )


class ApiKeyResponse(ResponseModel):
    """A key, without its secret."""

    prefix: str = Field(description="Names the key in lists and logs", examples=["HFnCU1LAU2"])
    name: str | None = Field(examples=["shop, production"])
    owner: str | None = Field(
        description="The account that it acts for, as `check_self_status` names it",
        examples=["acc_00VbhnY6RLeQ2oZmgNCoZuaKC"],
    )
    access_code: str | None = Field(
        description="The access code that it acts for; null: a user", examples=["Zk3v9QxT1mB7sWcE"]
    )
    scopes: list[str] | None = Field(
        description="What it may be used for; null: for everything",
        examples=[["orders:read", "assessments:write"]],
    )
    read_only: bool = Field(description="Whether it may change nothing", examples=[False])
    ip_allow_list: list[str] | None = Field(
        description="The networks that it may be used from; null: everywhere",
        examples=[["203.0.113.0/24"]],
    )
    created_at: Timestamp = Field(examples=["2026-01-11T12:46:01Z"])
    expires_at: Timestamp | None = Field(
        description="Null: never", examples=["2027-01-11T12:46:01Z"]
    )
    revoked_at: Timestamp | None = Field(
        description="Null: not revoked", examples=["2026-06-01T08:00:00Z"]
    )
    last_used_at: Timestamp | None = Field(
        description="To the minute, and seconds late; null: never, or before this was kept",
        examples=["2026-05-31T23:59:00Z"],
    )
    old_secret_until: Timestamp | None = Field(
        description="Until when the secret before the last rotation is good; null: never rotated",
        examples=["2026-01-12T12:46:01Z"],
    )


class CreatedApiKeyResponse(ApiKeyResponse):
    """A key at its creation, or with its new secret."""

    api_key: str = Field(
        description="Send it as `X-API-KEY`; it is shown only here", examples=["assay_HFnCU1LAU2_…"]
    )


class ApiKeyPage(PageResponse[ApiKeyResponse]):
    """API keys, newest first."""
