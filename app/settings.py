"""Every environment variable of Assay, typed, in one class."""

import os
import re
import sys
from collections.abc import Iterable, Sequence
from decimal import Decimal
from ipaddress import ip_network
from pathlib import Path
from types import UnionType
from typing import Any, Final, Literal, NamedTuple, Self, get_args

from annotated_types import Ge, Gt, Le, Lt
from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails
from typing_extensions import override

from app.assessments.rules.receipts import SigningKey
from app.orders.rules.states import OrderStatus
from app.runtime import plain_text
from app.runtime.base_urls import base_url, is_on_loopback, same_server
from app.runtime.db.urls import check_files, read_database_url
from app.runtime.dotenv_file import DotenvMalformed, read_dotenv
from app.runtime.faults import OperatorFault
from app.runtime.money import SATOSHI
from app.web.clients import IPNetwork

PREFIX: Final = "ASSAY_"
DOTENV: Final = ".env"
# Kubernetes injects these for a Service that is named "assay".
_INJECTED: Final = ("ASSAY_SERVICE_", "ASSAY_PORT_")
_HOST: Final = re.compile("[0-9A-Za-z.:%_-]{1,255}")
_HEADER_VALUE: Final = re.compile("[!-~]{1,512}")
RiskProviderName = Literal["sanctions", "tags", "exposure", "crystal", "chainalysis"]


class ConfigurationError(OperatorFault):
    """The environment is not one that Assay can start with; the message names the variable."""

    exit_status = 2


class SettingFault(NamedTuple):
    """A variable that is unknown or malformed, and why; `field` is empty where it is unknown."""

    variable: str
    reason: str
    field: str

    @override
    def __str__(self) -> str:
        return f"{self.variable}: {self.reason}"


class Settings(BaseModel):
    """What an operator may set. Names in the environment carry the prefix ASSAY_."""

    model_config = ConfigDict(frozen=True)

    database_url: SecretStr | None = Field(
        None, description="PostgreSQL 15 or later; none: the embedded server under ASSAY_DATA_DIR"
    )
    data_dir: Path = Field(Path(".assay"), description="files of the embedded PostgreSQL")
    aeonto_base_url: str = Field(
        "https://aeon.to/api/v3/aeon2btc/", description="upstream; https unless on a private host"
    )
    aeonto_rate_scale: Decimal = Field(
        Decimal(1), gt=0, le=1000, description="multiplies the count of every upstream limit"
    )
    esplora_url: tuple[str, ...] = Field(
        (), description="comma-separated Esplora servers; https unless on a private host"
    )
    create_deadline_seconds: int = Field(
        3600,
        gt=0,
        le=2_592_000,
        description="how long an order may wait for AEON.to to accept it",
    )
    open_registration: bool = Field(True, description="whether POST /api/register is open")
    trusted_proxies: tuple[IPNetwork, ...] = Field(
        (), description="comma-separated addresses or networks whose X-Forwarded-For is believed"
    )
    btc_dest_address: str | None = Field(
        None, description="where the merchant's bitcoin goes; required by serve and worker"
    )
    bitcoin_descriptor: SecretStr | None = Field(
        None,
        description="the merchant's wallet, watch-only: a descriptor or an extended public key; "
        "none: nobody can pay in bitcoin. Needs ASSAY_ESPLORA_URL",
    )
    bitcoin_confirmations: int = Field(
        2, ge=1, le=100, description="how many confirmations a payment in bitcoin needs"
    )
    bitcoin_unconfirmed_up_to_btc: Decimal = Field(
        Decimal(0), ge=0, lt=Decimal(1000), description="up to this price, none is needed"
    )
    bitcoin_one_confirmation_up_to_btc: Decimal = Field(
        Decimal(0), ge=0, lt=Decimal(1000), description="up to this price, one is enough"
    )
    bitcoin_payment_window_seconds: int = Field(
        3600, ge=300, le=604_800, description="how long an order in bitcoin waits to be paid"
    )
    bitcoin_late_grace_seconds: int = Field(
        3600, ge=0, le=604_800, description="how much later its price still stands"
    )
    bitcoin_excess_to_credits: bool = Field(
        False, description="whether what is paid beyond the price buys whole credits"
    )
    bitcoin_gap_limit: int = Field(
        20,
        ge=1,
        le=1_000_000,
        description="how many unused addresses in a row the merchant's wallet looks ahead",
    )
    credit_price_btc: Decimal = Field(
        Decimal("0.0005"), gt=0, lt=Decimal(1000), description="price of one credit in BTC"
    )
    max_credits_per_order: int = Field(10_000, gt=0, le=1_000_000)
    max_open_orders: int = Field(
        20,
        ge=0,
        le=1_000_000,
        description="how many unpaid orders a user and its access codes may have; 0: any number",
    )
    grant_credits_at: Literal[OrderStatus.BTC_SENT, OrderStatus.PAID] = Field(
        OrderStatus.BTC_SENT, description="the state in which credits are granted"
    )
    host: str = Field("127.0.0.1", description="where dev, serve and worker listen")
    port: int = Field(8000, ge=0, le=65535)
    run_worker: bool = Field(True, description="run the loops inside serve")
    log_format: Literal["console", "json"] = Field(
        default_factory=lambda: "console" if sys.stderr.isatty() else "json"
    )
    metrics: bool = Field(True, description="serve /metrics")
    risk_provider: tuple[RiskProviderName, ...] = Field(
        ("sanctions",),
        min_length=1,
        description="who answers assessments: sanctions, tags, exposure, crystal, chainalysis; or "
        "several, comma-separated, of which each is asked",
    )
    required_lists: tuple[str, ...] = Field(
        (), description="comma-separated names of the lists that must be in force"
    )
    list_max_age_days: int | None = Field(
        None, ge=1, le=3650, description="from which age a required list is too old; none: never"
    )
    repeat_free_seconds: int = Field(
        3600,
        ge=0,
        le=2_592_000,
        description="for how long the same question is answered again for nothing",
    )
    receipt_key: SecretStr | None = Field(
        None,
        description="the private key that signs receipts, as `assay receipt-key create` prints it; "
        "none: no receipts",
    )

    list_max_shrink: Decimal = Field(
        Decimal("0.2"),
        ge=0,
        le=1,
        description="the share of its rows that a list may lose from one version to the next",
    )
    list_user_agent: str | None = Field(
        None,
        pattern=r"^[!-~][ -~]{0,199}$",
        description="as what `assay lists import` asks a server; without it, assay and its version",
    )
    crystal_url: str = Field(
        "https://apiexpert.crystalblockchain.com/",
        description="Crystal's Expert API; https unless on a private host",
    )
    crystal_api_key: SecretStr | None = Field(None, description="the key of an account there")
    chainalysis_url: str = Field(
        "https://public.chainalysis.com/api/v1/",
        description="Chainalysis' sanctions API; https unless on a private host",
    )
    chainalysis_api_key: SecretStr | None = Field(None, description="a key for it")

    @field_validator("crystal_api_key", "chainalysis_api_key")
    @classmethod
    def _fit_for_a_header(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and not _HEADER_VALUE.fullmatch(value.get_secret_value()):
            raise ValueError("must be printable ASCII without blanks")
        return value

    @field_validator("risk_provider")
    @classmethod
    def _different_providers(
        cls, names: tuple[RiskProviderName, ...]
    ) -> tuple[RiskProviderName, ...]:
        if len(set(names)) < len(names):
            raise ValueError("must not name a provider twice")
        return names

    @field_validator("required_lists")
    @classmethod
    def _names_of_lists(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(names))

    @field_validator("trusted_proxies", mode="before")
    @classmethod
    def _networks(cls, value: Sequence[object]) -> tuple[IPNetwork, ...]:
        try:
            return tuple(ip_network(str(part), strict=False) for part in value)
        except ValueError:
            raise ValueError("must be addresses or networks, as in 10.0.0.0/8,::1") from None

    @field_validator("esplora_url", "risk_provider", "trusted_proxies", mode="before")
    @classmethod
    def _parts(cls, value: str | Sequence[object]) -> Sequence[object]:
        # Runs before `_networks`: of such validators the last one is the first.
        return plain_text.parts(value) if isinstance(value, str) else value

    @field_validator("required_lists", mode="before")
    @classmethod
    def _names(cls, value: str | Sequence[object]) -> Sequence[object]:
        return plain_text.phrases(value) if isinstance(value, str) else value

    @field_validator("host")
    @classmethod
    def _host_name(cls, value: str) -> str:
        if not _HOST.fullmatch(value):
            raise ValueError("must be an address or a name to listen on")
        return value

    @field_validator(
        "credit_price_btc", "bitcoin_unconfirmed_up_to_btc", "bitcoin_one_confirmation_up_to_btc"
    )
    @classmethod
    def _whole_satoshi(cls, value: Decimal) -> Decimal:
        if value % SATOSHI:
            raise ValueError("must be a whole number of satoshi (at most 8 decimals)")
        return value

    @field_validator("receipt_key")
    @classmethod
    def _readable_key(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            SigningKey.from_text(value.get_secret_value())
        return value

    @field_validator("database_url")
    @classmethod
    def _asyncpg_url(cls, value: SecretStr | None) -> SecretStr | None:
        if value is None:
            return None
        check_files(read_database_url(value.get_secret_value()))
        rest = value.get_secret_value().partition("://")[2]
        return SecretStr(f"postgresql+asyncpg://{rest}")

    @field_validator("aeonto_base_url", "crystal_url", "chainalysis_url")
    @classmethod
    def _secure_upstream(cls, value: str) -> str:
        return base_url(value)

    @field_validator("esplora_url")
    @classmethod
    def _different_servers(cls, values: tuple[str, ...]) -> tuple[str, ...]:
        urls = tuple(base_url(value) for value in values)
        if len({same_server(url) for url in urls}) < len(urls):
            raise ValueError("must not name a server twice: one server cannot confirm itself")
        return urls

    @property
    def postgres_folder(self) -> Path:
        """Return where the embedded PostgreSQL keeps its files."""
        return self.data_dir / "postgres"

    @property
    def upstream_is_loopback(self) -> bool:
        """Say whether AEON.to is stood for by something on this machine."""
        return is_on_loopback(self.aeonto_base_url)

    @classmethod
    def load(cls) -> Self:
        """Read the environment and `.env`; the environment wins, and what is empty is not set.

        Raises ConfigurationError with one line per variable that is unknown or malformed.
        """
        settings, faults = cls.read()
        if faults:
            raise ConfigurationError("\n".join(str(fault) for fault in faults))
        return settings

    @classmethod
    def read(cls) -> tuple[Self, list[SettingFault]]:
        """Read as `load` does; what is unknown or malformed is told, and left out of the settings.

        Raises ConfigurationError where `.env` itself cannot be read.
        """
        try:
            written = read_dotenv(Path(DOTENV), os.environ)
        except DotenvMalformed as fault:
            raise ConfigurationError(str(fault)) from None
        given = {name: text for name, text in written.items() if text}
        given |= {name: text for name, text in os.environ.items() if text}
        faults = _misnamed(cls, {*written, *os.environ})
        values: dict[str, Any] = {}
        for name, field in cls.model_fields.items():
            text = given.get(f"{PREFIX}{name.upper()}")
            if text is None:
                continue
            try:
                values[name] = _value(field, text)
            except ValueError as fault:
                faults.append(_fault_of(name, str(fault)))
        try:
            return cls.model_validate(values), faults
        except ValidationError as error:
            refused = [
                _refusal(cls, details)
                for details in error.errors(include_input=False, include_url=False)
            ]
        wrong = {one.field for one in refused}
        good = {name: value for name, value in values.items() if name not in wrong}
        return cls.model_validate(good), [*faults, *refused]


def _misnamed(settings: type[Settings], names: Iterable[str]) -> list[SettingFault]:
    """Return each name that looks like a setting and is none."""
    faults = []
    for name in sorted(names):
        if not name.upper().startswith(PREFIX) or name.startswith(_INJECTED):
            continue
        if name.upper().removeprefix(PREFIX).lower() not in settings.model_fields:
            faults.append(SettingFault(name, "no such setting", ""))
        elif name != name.upper():
            reason = f"must be written in capitals, {name.upper()}"
            faults.append(SettingFault(name, reason, name.upper().removeprefix(PREFIX).lower()))
    return faults


def _fault_of(field: str, reason: str) -> SettingFault:
    return SettingFault(f"{PREFIX}{field.upper()}", reason, field)


def _refusal(settings: type[Settings], details: ErrorDetails) -> SettingFault:
    """Return what pydantic has against a field, without the value."""
    name = str(details["loc"][0])
    own_words = details["msg"].removeprefix("Value error, ")
    is_own = details["type"] == "value_error"
    words = None if is_own else _allowed(settings.model_fields[name])
    return _fault_of(name, words or own_words)


def _kind(field: FieldInfo) -> object:
    """Return the type that a field has when it is set."""
    kinds = [kind for kind in get_args(field.annotation) if kind is not type(None)]
    return kinds[0] if isinstance(field.annotation, UnionType) else field.annotation


def _value(field: FieldInfo, text: str) -> object:
    """Read what a variable says by the type of its field. Raises ValueError, without the text."""
    kind = _kind(field)
    if text.startswith("tcp://") and kind is int:
        raise ValueError(
            "looks injected by Kubernetes for a Service named 'assay': rename the Service, or set"
            " enableServiceLinks: false"
        )
    if kind is bool:
        return plain_text.truth(text)
    try:
        if kind is int:
            return plain_text.whole_number(text)
        if kind is Decimal:
            return plain_text.decimal_number(text)
    except ValueError:
        raise ValueError(_allowed(field)) from None
    return text


def _allowed(field: FieldInfo) -> str | None:
    """Say which numbers a field takes; None when it takes no number."""
    names: Final[dict[object, str]] = {int: "a whole number", Decimal: "a decimal number"}
    name = names.get(_kind(field))
    if name is None:
        return None
    words = []
    for limit in field.metadata:
        match limit:
            case Ge(ge):
                words.append(f"from {ge}")
            case Gt(gt):
                words.append(f"above {gt}")
            case Le(le):
                words.append(f"to {le}")
            case Lt(lt):
                words.append(f"and below {lt}")
            case _:
                pass
    return f"must be {name} {' '.join(words)}, in ASCII digits"
