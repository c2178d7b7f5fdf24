"""Settings of what is sold, and of who takes and shows the payments."""

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Literal

from pydantic import Field, SecretStr, field_validator

from app.orders.rules.states import OrderStatus
from app.runtime import plain_text
from app.runtime.base_urls import base_url, is_on_loopback, same_server
from app.runtime.origins import read_origin
from app.settings.fields import Group, Seconds, in_whole_satoshi


class OrderSettings(Group):
    """What is sold, for how much, and where the bitcoin goes."""

    btc_dest_address: str | None = Field(
        None,
        alias="ASSAY_BTC_DEST_ADDRESS",
        description="where the merchant's bitcoin goes; required by serve and worker",
    )
    credit_price_btc: Decimal = Field(
        Decimal("0.0005"),
        gt=0,
        lt=Decimal(1000),
        alias="ASSAY_CREDIT_PRICE_BTC",
        description="price of one credit in BTC",
    )
    max_credits_per_order: int = Field(
        10_000, gt=0, le=1_000_000, alias="ASSAY_MAX_CREDITS_PER_ORDER"
    )
    max_open_orders: int = Field(
        20,
        ge=0,
        le=1_000_000,
        alias="ASSAY_MAX_OPEN_ORDERS",
        description="how many unpaid orders a user and its access codes may have; 0: any number",
    )
    grant_credits_at: Literal[OrderStatus.BTC_SENT, OrderStatus.PAID] = Field(
        OrderStatus.BTC_SENT,
        alias="ASSAY_GRANT_CREDITS_AT",
        description="the state in which credits are granted",
    )
    create_deadline: Seconds = Field(
        timedelta(hours=1),
        gt=timedelta(0),
        le=timedelta(days=30),
        alias="ASSAY_CREATE_DEADLINE_SECONDS",
        description="how long an order may wait for AEON.to to accept it",
    )

    @field_validator("credit_price_btc")
    @classmethod
    def _whole_satoshi(cls, value: Decimal) -> Decimal:
        return in_whole_satoshi(value)


class PaymentPageSettings(Group):
    """Pages on which buyers pay."""

    return_origins: tuple[str, ...] = Field(
        (),
        alias="ASSAY_PAYMENT_PAGE_RETURN_ORIGINS",
        description="comma-separated origins that a payment page may lead back to, as in"
        " https://shop.example.com; none: a page leads nowhere",
    )

    @field_validator("return_origins", mode="before")
    @classmethod
    def _origins(cls, value: str | Sequence[object]) -> tuple[str, ...]:
        parts = plain_text.parts(value) if isinstance(value, str) else value
        return tuple(dict.fromkeys(read_origin(str(part)) for part in parts))


class AeontoSettings(Group):
    """AEON.to, which takes AEON and sends bitcoin."""

    base_url: str = Field(
        "https://aeon.to/api/v3/aeon2btc/",
        alias="ASSAY_AEONTO_BASE_URL",
        description="upstream; https unless on a private host",
    )
    rate_scale: Decimal = Field(
        Decimal(1),
        gt=0,
        le=1000,
        alias="ASSAY_AEONTO_RATE_SCALE",
        description="multiplies the count of every upstream limit",
    )

    @field_validator("base_url")
    @classmethod
    def _secure(cls, value: str) -> str:
        return base_url(value)

    @property
    def is_on_loopback(self) -> bool:
        """Say whether AEON.to is stood for by something on this machine."""
        return is_on_loopback(self.base_url)


class EsploraSettings(Group):
    """Servers of the bitcoin chain."""

    urls: tuple[str, ...] = Field(
        (),
        alias="ASSAY_ESPLORA_URL",
        description="comma-separated Esplora servers; https unless on a private host",
    )

    @field_validator("urls", mode="before")
    @classmethod
    def _parts(cls, value: str | Sequence[object]) -> Sequence[object]:
        return plain_text.parts(value) if isinstance(value, str) else value

    @field_validator("urls")
    @classmethod
    def _different_servers(cls, values: tuple[str, ...]) -> tuple[str, ...]:
        urls = tuple(base_url(value) for value in values)
        if len({same_server(url) for url in urls}) < len(urls):
            raise ValueError("must not name a server twice: one server cannot confirm itself")
        return urls


class BitcoinSettings(Group):
    """Payments in bitcoin."""

    descriptor: SecretStr | None = Field(
        None,
        alias="ASSAY_BITCOIN_DESCRIPTOR",
        description="the merchant's wallet, watch-only: a descriptor or an extended public key; "
        "none: nobody can pay in bitcoin. Needs ASSAY_ESPLORA_URL",
    )
    confirmations: int = Field(
        2,
        ge=1,
        le=100,
        alias="ASSAY_BITCOIN_CONFIRMATIONS",
        description="how many confirmations a payment in bitcoin needs",
    )
    unconfirmed_up_to_btc: Decimal = Field(
        Decimal(0),
        ge=0,
        lt=Decimal(1000),
        alias="ASSAY_BITCOIN_UNCONFIRMED_UP_TO_BTC",
        description="up to this price, none is needed",
    )
    one_confirmation_up_to_btc: Decimal = Field(
        Decimal(0),
        ge=0,
        lt=Decimal(1000),
        alias="ASSAY_BITCOIN_ONE_CONFIRMATION_UP_TO_BTC",
        description="up to this price, one is enough",
    )
    payment_window: Seconds = Field(
        timedelta(hours=1),
        ge=timedelta(minutes=5),
        le=timedelta(days=7),
        alias="ASSAY_BITCOIN_PAYMENT_WINDOW_SECONDS",
        description="how long an order in bitcoin waits to be paid",
    )
    late_grace: Seconds = Field(
        timedelta(hours=1),
        ge=timedelta(0),
        le=timedelta(days=7),
        alias="ASSAY_BITCOIN_LATE_GRACE_SECONDS",
        description="how much later its price still stands",
    )
    excess_to_credits: bool = Field(
        False,
        alias="ASSAY_BITCOIN_EXCESS_TO_CREDITS",
        description="whether what is paid beyond the price buys whole credits",
    )
    gap_limit: int = Field(
        20,
        ge=1,
        le=1_000_000,
        alias="ASSAY_BITCOIN_GAP_LIMIT",
        description="how many unused addresses in a row the merchant's wallet looks ahead",
    )

    @field_validator("unconfirmed_up_to_btc", "one_confirmation_up_to_btc")
    @classmethod
    def _whole_satoshi(cls, value: Decimal) -> Decimal:
        return in_whole_satoshi(value)
