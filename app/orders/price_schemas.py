"""Prices and limits of orders: what a buyer asks for, and what it learns."""

from pydantic import Field

from app.orders.schemas import RailShown
from app.web.fields import Money, OrderCredits, RequestModel, ResponseModel, ShortText, Timestamp


class CheckPriceRequest(RequestModel):
    """A question about the price: in one coin, or in each that is sold for."""

    number_of_credits: OrderCredits = Field(description="How many credits", examples=[10])
    payment_coin: ShortText | None = Field(
        None, description="The coin to pay with; any, if absent", examples=["Aeon", "Bitcoin"]
    )
    payment_network: ShortText | None = Field(
        None, description="The network of the coin; its own, if absent", examples=["AEON", "BTC"]
    )


class RailPrice(ResponseModel):
    """What credits cost now on one rail."""

    rail: RailShown = Field(examples=["bitcoin"])
    payment_coin: str = Field(examples=["BTC"])
    payment_network: str = Field(examples=["BTC"])
    amount_total: Money = Field(description="In the payment coin", examples=["0.005"])
    as_of: Timestamp = Field(
        description="When it was known: AEON.to's price is at most 5 minutes old",
        examples=["2026-01-11T12:46:03Z"],
    )


class PriceResponse(ResponseModel):
    """What credits cost now. What is not in `prices` is of its first member."""

    number_of_credits: int = Field(examples=[10])
    btc_amount: Money = Field(examples=["0.005"])
    payment_coin: str = Field(examples=["AEON"])
    payment_network: str = Field(examples=["AEON"])
    amount_total: Money = Field(description="In the payment coin", examples=["0.2830296"])
    as_of: Timestamp = Field(description="When it was known", examples=["2026-01-11T12:46:03Z"])
    prices: list[RailPrice] = Field(
        description="In every coin asked about that may pay for so many, and whose price is known"
    )


class RailParameters(ResponseModel):
    """What one order may be that is paid on this rail."""

    rail: RailShown = Field(examples=["bitcoin"])
    payment_coin: str = Field(examples=["BTC"])
    payment_network: str = Field(examples=["BTC"])
    min_number_of_credits: int = Field(examples=[1])
    max_number_of_credits: int = Field(examples=[10000])
    credit_price: Money = Field(description="One credit in the payment coin", examples=["0.0005"])
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
    as_of: Timestamp = Field(
        description="When it was known: AEON.to's limits and price are at most 5 minutes old",
        examples=["2026-01-11T12:46:03Z"],
    )


class OrderParametersResponse(ResponseModel):
    """What one order may be, and what it costs. What is not in `rails` is of its first member."""

    payment_coin: str = Field(examples=["AEON"])
    payment_network: str = Field(examples=["AEON"])
    min_number_of_credits: int = Field(examples=[4])
    max_number_of_credits: int = Field(examples=[10000])
    credit_price_btc: Money = Field(examples=["0.0005"])
    credit_price: Money = Field(description="One credit in the payment coin", examples=["0.028303"])
    lower_limit_btc: Money = Field(examples=["0.002"])
    upper_limit_btc: Money = Field(examples=["20"])
    as_of: Timestamp = Field(description="When it was known", examples=["2026-01-11T12:46:03Z"])
    rails: list[RailParameters] = Field(
        description="Every way of paying that is offered and known now; AEON's is missing while "
        "AEON.to does not answer"
    )
