"""Orders: what a buyer sends, and what it learns of the order and its payment."""

from collections.abc import Collection, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Literal, Self

from pydantic import Field, WithJsonSchema, model_validator
from typing_extensions import override

from app.domain.money import plain
from app.domain.rails import Rail
from app.domain.states import OrderStatus
from app.schemas.fields import (
    Credits,
    LongText,
    Money,
    RequestModel,
    ResponseModel,
    ShortText,
    StrictBoolean,
    Timestamp,
    missing,
)
from app.schemas.paging import PageResponse

OrderId = Annotated[str, Field(description="The order", examples=["ord_00VbhnY6RLeQ2oZmgNCoZuaKC"])]


class NewOrderRequest(RequestModel):
    """A purchase of credits, for oneself or for an access code."""

    number_of_credits: Credits = Field(description="How many credits to buy", examples=[10])
    payment_coin: ShortText = Field(
        description="The coin to pay with", examples=["Aeon", "Bitcoin"]
    )
    payment_network: ShortText = Field(
        description="The network of the coin", examples=["AEON", "BTC"]
    )
    order_is_for_self: StrictBoolean = Field(
        description="Whether the credits are for the caller; if false, `access_code` says for whom",
        examples=[True],
    )
    access_code: LongText | None = Field(
        None, description="Who gets the credits, if not the caller", examples=["Zk3v9QxT1mB7sWcE"]
    )

    @classmethod
    @override
    def ignored(cls, sent: Mapping[str, object]) -> Collection[str]:
        return ("access_code",) if sent.get("order_is_for_self") is True else ()

    @model_validator(mode="after")
    def _beneficiary_is_named(self) -> Self:
        if not self.order_is_for_self and self.access_code is None:
            raise missing("access_code")
        return self


class CheckOrderStatusRequest(RequestModel):
    """An order to be looked up."""

    order_id: LongText = Field(description="The order", examples=["ord_00VbhnY6RLeQ2oZmgNCoZuaKC"])
    access_code: Annotated[
        object, WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "null"}]})
    ] = Field(
        None,
        description="Needed with an API key that is bound to an access code: that code. "
        "Ignored, whatever it is, from a user",
        examples=["Zk3v9QxT1mB7sWcE"],
    )


class PaymentTransaction(ResponseModel):
    """An output of a bitcoin transaction that pays the address of an order."""

    txid: str = Field(examples=["4a5e1e4baab89f3a32518a88c31bc87f618f76673e2cc77ab2127b7afdeda33b"])
    output_index: int = Field(examples=[0])
    amount: Money = Field(description="In BTC", examples=["0.005"])
    confirmations: int = Field(examples=[1])
    gone: bool = Field(
        description="The chain no longer shows it: replaced, double-spent or reorganised away",
        examples=[False],
    )


class PaymentResponse(ResponseModel):
    """How to pay, and what has arrived. Amounts are in the coin that the order is paid in.

    What belongs to the other rail, or is not known yet, is null.
    """

    rail: Rail = Field(
        description="`aeonto`: AEON, paid to AEON.to; `bitcoin`: paid to the merchant",
        examples=["aeonto", "bitcoin"],
    )

    state: str = Field(description="What the rail last said of the payment", examples=["UNPAID"])
    address: str | None = Field(
        description="In AEON, pay here only together with the long payment id; in bitcoin, here",
        examples=[
            "Sm6XWv4nmULGYQyHqRH54fgtXb3m3wnQ52EftauD2aMm1rmnrBwYDsudZj7MDgqB6Q1DgVR4jBgJdTFDZmssEdX711h3WyGzE",
            "bc1qcr8te4kr609gcawutmrza0j4xv80jy8z306fyu",
        ],
    )
    payment_id_long: str | None = Field(
        examples=["6db2414c87fd343fdd6ef4d73aa5f899372868da08faf4c0f5950a666ed08ad7"]
    )
    integrated_address: str | None = Field(
        description="In AEON, pay here",
        examples=[
            "Sz4Dra9LBvxGYQyHqRH54fgtXb3m3wnQ52EftauD2aMm1rmnrBwYDsudZj7MDgqB6Q1DgVR4jBgJdTFDZmssEdX71ES97Z3M99r2Hv8KMQuE"
        ],
    )
    payment_id_short: str | None = Field(examples=["7c855c2228e19671"])
    amount_total: Money | None = Field(
        description="The price of the order", examples=["14.4265105"]
    )
    amount_received: Money | None = Field(
        description="What has arrived, unconfirmed money included", examples=["0"]
    )
    amount_remaining: Money | None = Field(
        description="What is still to pay", examples=["14.4265105"]
    )
    uri: str | None = Field(
        description="For wallets and QR codes: where to pay, and the remaining amount",
        examples=[
            "aeon:Sz4Dra9LBvxGYQyHqRH54fgtXb3m3wnQ52EftauD2aMm1rmnrBwYDsudZj7MDgqB6Q1DgVR4jBgJdTFDZmssEdX71ES97Z3M99r2Hv8KMQuE?tx_amount=14.4265105",
            "bitcoin:bc1qcr8te4kr609gcawutmrza0j4xv80jy8z306fyu?amount=0.005",
        ],
    )
    expires_at: Timestamp | None = Field(
        description="When the payment must have arrived", examples=["2026-01-11T12:51:03Z"]
    )
    seconds_left: int | None = Field(description="Until `expires_at`", examples=[298])
    confirmations_remaining: int | None = Field(
        description="Confirmations that are still waited for", examples=[2]
    )
    confirmations_wanted: int | None = Field(
        description="In bitcoin, how many the amount needs", examples=[None, 2]
    )
    confirmations_seen: int | None = Field(
        description="In bitcoin, how many the amount as a whole has", examples=[None, 1]
    )
    btc_transaction_id: str | None = Field(
        description="The transaction by which AEON.to pays the merchant",
        examples=["4a5e1e4baab89f3a32518a88c31bc87f618f76673e2cc77ab2127b7afdeda33b"],
    )
    btc_confirmations: int | None = Field(examples=[0])
    settlement: Literal["unverified", "verified"] | None = Field(
        description="Whether the chain of blocks shows that transaction; null before AEON.to named "
        "one, and where no server of the chain is asked",
        examples=["verified"],
    )
    transactions: list[PaymentTransaction] = Field(
        description="In bitcoin, what paid the address, the earliest first", examples=[[]]
    )


class OrderResponse(ResponseModel):
    """An order."""

    order_id: OrderId
    status: OrderStatus = Field(description="How far it is", examples=["UNPAID"])
    created_at: Timestamp = Field(examples=["2026-01-11T12:46:01Z"])
    updated_at: Timestamp = Field(
        description="When its status last changed", examples=["2026-01-11T12:46:03Z"]
    )
    number_of_credits: int = Field(examples=[10])
    credits_granted: int | None = Field(
        description="Null until the credits were granted", examples=[10]
    )
    payment_coin: str = Field(description="As the caller wrote it", examples=["Aeon", "Bitcoin"])
    payment_network: str = Field(description="As the caller wrote it", examples=["AEON", "BTC"])
    btc_amount: Money = Field(description="The price in BTC", examples=["0.005"])
    failure_reason: str | None = Field(
        description="Why it failed, if it did",
        examples=["AEON.to did not accept this order in time"],
    )
    payment: PaymentResponse | None = Field(
        description="Null until it is known where to pay: in bitcoin at once, in AEON after seconds"
    )


class OrderPage(PageResponse[OrderResponse]):
    """Orders, newest first."""


class CheckPriceRequest(RequestModel):
    """A question about the price."""

    number_of_credits: Credits = Field(description="How many credits", examples=[10])


class PriceResponse(ResponseModel):
    """What credits cost now."""

    number_of_credits: int = Field(examples=[10])
    btc_amount: Money = Field(examples=["0.005"])
    payment_coin: str = Field(examples=["AEON"])
    payment_network: str = Field(examples=["AEON"])
    amount_total: Money = Field(description="In the payment coin", examples=["0.2830296"])
    as_of: Timestamp = Field(description="When AEON.to said so", examples=["2026-01-11T12:46:03Z"])


class RailParameters(ResponseModel):
    """What one order may be that is paid on this rail."""

    rail: Rail = Field(examples=["bitcoin"])
    payment_coin: str = Field(examples=["BTC"])
    payment_network: str = Field(examples=["BTC"])
    min_number_of_credits: int = Field(examples=[1])
    max_number_of_credits: int = Field(examples=[10000])
    lower_limit_btc: Money = Field(examples=["0.0005"])
    upper_limit_btc: Money = Field(examples=["5"])
    payment_window_seconds: int | None = Field(
        description="How long an order waits to be paid; null: AEON.to says so with each order",
        examples=[3600],
    )
    confirmations: int | None = Field(
        description="How many a payment needs, small amounts perhaps fewer; null: AEON.to's own",
        examples=[2],
    )


class OrderParametersResponse(ResponseModel):
    """What one order may be, and what it costs. All but `rails` is about paying in AEON."""

    payment_coin: str = Field(examples=["AEON"])
    payment_network: str = Field(examples=["AEON"])
    min_number_of_credits: int = Field(examples=[4])
    max_number_of_credits: int = Field(examples=[10000])
    credit_price_btc: Money = Field(examples=["0.0005"])
    credit_price: Money = Field(description="One credit in the payment coin", examples=["0.028303"])
    lower_limit_btc: Money = Field(examples=["0.002"])
    upper_limit_btc: Money = Field(examples=["20"])
    as_of: Timestamp = Field(description="When AEON.to said so", examples=["2026-01-11T12:46:03Z"])
    rails: list[RailParameters] = Field(description="Every way of paying that is offered")


def payment_uri(integrated_address: str | None, remaining: Decimal | None) -> str | None:
    """Write the `aeon:` URI of what is still to pay; None when nothing is, or nobody knows."""
    if integrated_address is None or not remaining or remaining < 0:
        return None
    return f"aeon:{integrated_address}?tx_amount={plain(remaining)}"


def seconds_left(expires_at: datetime | None, now: datetime) -> int | None:
    """Return the whole seconds until a time, 0 when it is past."""
    return None if expires_at is None else max(0, int((expires_at - now).total_seconds()))
