"""Settings of who answers assessments, of lists of addresses, and of risk vendors."""

import re
from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Final, Literal

from pydantic import Field, SecretStr, field_validator

from app.assessments.rules.receipts import SigningKey
from app.runtime import plain_text
from app.runtime.base_urls import base_url
from app.settings.fields import Group, OptionalDays, Seconds

_HEADER_VALUE: Final = re.compile("[!-~]{1,512}")
RiskProviderName = Literal["sanctions", "tags", "exposure", "crystal", "chainalysis"]


class AssessmentSettings(Group):
    """Who answers assessments, and how answers are signed."""

    risk_providers: tuple[RiskProviderName, ...] = Field(
        ("sanctions",),
        min_length=1,
        alias="ASSAY_RISK_PROVIDER",
        description="who answers assessments: sanctions, tags, exposure, crystal, chainalysis; or "
        "several, comma-separated, of which each is asked",
    )
    repeat_free_within: Seconds = Field(
        timedelta(hours=1),
        ge=timedelta(0),
        le=timedelta(days=30),
        alias="ASSAY_REPEAT_FREE_SECONDS",
        description="for how long the same question is answered again for nothing",
    )
    receipt_key: SecretStr | None = Field(
        None,
        alias="ASSAY_RECEIPT_KEY",
        description="the private key that signs receipts, as `assay receipt-key create` prints it; "
        "none: no receipts",
    )

    @field_validator("risk_providers", mode="before")
    @classmethod
    def _parts(cls, value: str | Sequence[object]) -> Sequence[object]:
        return plain_text.parts(value) if isinstance(value, str) else value

    @field_validator("risk_providers")
    @classmethod
    def _different_providers(
        cls, names: tuple[RiskProviderName, ...]
    ) -> tuple[RiskProviderName, ...]:
        if len(set(names)) < len(names):
            raise ValueError("must not name a provider twice")
        return names

    @field_validator("receipt_key")
    @classmethod
    def _readable_key(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            SigningKey.from_text(value.get_secret_value())
        return value


class ListSettings(Group):
    """Lists of addresses: which must be in force, and how they are imported."""

    required: tuple[str, ...] = Field(
        (),
        alias="ASSAY_REQUIRED_LISTS",
        description="comma-separated names of the lists that must be in force",
    )
    max_age: OptionalDays = Field(
        None,
        ge=timedelta(days=1),
        le=timedelta(days=3650),
        alias="ASSAY_LIST_MAX_AGE_DAYS",
        description="from which age a required list is too old; none: never",
    )
    max_shrink: Decimal = Field(
        Decimal("0.2"),
        ge=0,
        le=1,
        alias="ASSAY_LIST_MAX_SHRINK",
        description="the share of its rows that a list may lose from one version to the next",
    )
    user_agent: str | None = Field(
        None,
        pattern=r"^[!-~][ -~]{0,199}$",
        alias="ASSAY_LIST_USER_AGENT",
        description="as what `assay lists import` asks a server; without it, assay and its version",
    )

    @field_validator("required", mode="before")
    @classmethod
    def _names(cls, value: str | Sequence[object]) -> Sequence[object]:
        return plain_text.phrases(value) if isinstance(value, str) else value

    @field_validator("required")
    @classmethod
    def _different_names(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(names))


class _VendorSettings(Group):
    @field_validator("url", check_fields=False)
    @classmethod
    def _secure(cls, value: str) -> str:
        return base_url(value)

    @field_validator("api_key", check_fields=False)
    @classmethod
    def _fit_for_a_header(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and not _HEADER_VALUE.fullmatch(value.get_secret_value()):
            raise ValueError("must be printable ASCII without blanks")
        return value


class CrystalSettings(_VendorSettings):
    """The vendor Crystal."""

    url: str = Field(
        "https://apiexpert.crystalblockchain.com/",
        alias="ASSAY_CRYSTAL_URL",
        description="Crystal's Expert API; https unless on a private host",
    )
    api_key: SecretStr | None = Field(
        None, alias="ASSAY_CRYSTAL_API_KEY", description="the key of an account there"
    )


class ChainalysisSettings(_VendorSettings):
    """The vendor Chainalysis."""

    url: str = Field(
        "https://public.chainalysis.com/api/v1/",
        alias="ASSAY_CHAINALYSIS_URL",
        description="Chainalysis' sanctions API; https unless on a private host",
    )
    api_key: SecretStr | None = Field(
        None, alias="ASSAY_CHAINALYSIS_API_KEY", description="a key for it"
    )
