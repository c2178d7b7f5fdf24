"""Orders: what a buyer sends, and what it learns of the order and its payment."""

from collections.abc import Collection, Mapping
from decimal import Decimal
from typing import Annotated, Self

from pydantic import Field, WithJsonSchema, model_validator
from typing_extensions import override

from app.orders.rules.rails import Rail
from app.orders.rules.states import OrderStatus
from app.orders.status_table import STATUS_TABLE
from app.runtime.money import plain
from app.web.fields import (
    LongText,
    Money,
    OrderCredits,
    RequestModel,
    ResponseModel,
    ShortText,
    StrictBoolean,
    Timestamp,
    missing,
)
from app.web.labels import LabelledRequest, ShownMetadata, ShownReference
from app.web.pages import PageResponse
from app.web.vocabularies import Growing, vocabulary

RailShown = Annotated[Rail, Growing(Rail)]
OrderStatusShown = Annotated[OrderStatus, Growing(OrderStatus, STATUS_TABLE)]
SettlementShown = Annotated[
    str,
    Growing(
        vocabulary(
            "Settlement",
            ("unverified", "verified"),
            "Whether the chain of blocks shows the transaction by which AEON.to pays the merchant.",
        )
    ),
]
OrderId = Annotated[str, Field(description="The order", examples=["ord_00VbhnY6RLeQ2oZmgNCoZuaKC"])]


class _Purchase(RequestModel):
    """What the Credits API takes; the order of the fields is the order of the checks."""

    number_of_credits: OrderCredits = Field(description="How many credits to buy", examples=[10])
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


class OrderRequest(LabelledRequest, _Purchase):
    """A purchase of credits, for oneself or for an access code."""

    unique_reference: StrictBoolean = Field(
        False,
        description="Refuse the order with 409 if the buyer has another with this `client_reference`"
        " that was to be unique, too, whatever became of that one",
        examples=[True],
    )

    @model_validator(mode="after")
    def _what_others_need_is_there(self) -> Self:
        if not self.order_is_for_self and self.access_code is None:
            raise missing("access_code")
        if self.unique_reference and self.client_reference is None:
            raise missing("client_reference")
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


class LatePayment(ResponseModel):
    """What the whole price of an order that is over still buys, if all of it has come by now."""

    credits: int | None = Field(
        description="How many credits; null where AEON.to decides whether it honours the payment",
        examples=[10, 5],
    )
    credit_price_btc: Money | None = Field(description="At what price each", examples=["0.0005"])
    until: Timestamp | None = Field(
        description="Until when that stands; null: the price is today's, and may change",
        examples=["2026-01-11T14:46:03Z"],
    )


class PaymentResponse(ResponseModel):
    """How to pay, and what has arrived. Amounts are in the coin that the order is paid in.

    Every field follows from the status. What belongs to the other rail, is not known, or holds no
    longer is null.
    """

    rail: RailShown = Field(
        description="`aeonto`: AEON, paid to AEON.to; `bitcoin`: paid to the merchant",
        examples=["aeonto", "bitcoin"],
    )

    state: OrderStatusShown = Field(
        description="The same as the `status` of the order", examples=["UNPAID"]
    )
    pay_to: str | None = Field(
        description="Pay here, and nowhere else: in AEON the integrated address, in bitcoin the "
        "address; null when the order is not to be paid now",
        examples=[
            "Sz4Dra9LBvxGYQyHqRH54fgtXb3m3wnQ52EftauD2aMm1rmnrBwYDsudZj7MDgqB6Q1DgVR4jBgJdTFDZmssEdX71ES97Z3M99r2Hv8KMQuE",
            "bc1qcr8te4kr609gcawutmrza0j4xv80jy8z306fyu",
        ],
    )
    address: str | None = Field(
        description="In bitcoin, the address of the order. In AEON, coins sent here are lost unless "
        "the long payment id goes with them: use `pay_to`",
        examples=[
            "Sm6XWv4nmULGYQyHqRH54fgtXb3m3wnQ52EftauD2aMm1rmnrBwYDsudZj7MDgqB6Q1DgVR4jBgJdTFDZmssEdX711h3WyGzE",
            "bc1qcr8te4kr609gcawutmrza0j4xv80jy8z306fyu",
        ],
    )
    payment_id_long: str | None = Field(
        description="In AEON, what must go with a payment to `address`",
        examples=["6db2414c87fd343fdd6ef4d73aa5f899372868da08faf4c0f5950a666ed08ad7"],
    )
    integrated_address: str | None = Field(
        description="In AEON, the address of the order, with the short payment id in it",
        examples=[
            "Sz4Dra9LBvxGYQyHqRH54fgtXb3m3wnQ52EftauD2aMm1rmnrBwYDsudZj7MDgqB6Q1DgVR4jBgJdTFDZmssEdX71ES97Z3M99r2Hv8KMQuE"
        ],
    )
    payment_id_short: str | None = Field(examples=["7c855c2228e19671"])
    amount_total: Money | None = Field(
        description="The price of the order; null once it holds no longer", examples=["14.4265105"]
    )
    amount_received: Money | None = Field(
        description="In bitcoin, what has arrived, unconfirmed money included; null when it "
        "cannot be known: in AEON always, in bitcoin while `vanished`",
        examples=["0"],
    )
    amount_remaining: Money | None = Field(
        description="What is still to pay now; 0 when all is paid, null when it is not to be paid",
        examples=["14.4265105"],
    )
    uri: str | None = Field(
        description="For wallets and QR codes: where to pay, and the remaining amount; null when "
        "the order is not to be paid now",
        examples=[
            "aeon:Sz4Dra9LBvxGYQyHqRH54fgtXb3m3wnQ52EftauD2aMm1rmnrBwYDsudZj7MDgqB6Q1DgVR4jBgJdTFDZmssEdX71ES97Z3M99r2Hv8KMQuE?tx_amount=14.4265105",
            "bitcoin:bc1qcr8te4kr609gcawutmrza0j4xv80jy8z306fyu?amount=0.005",
        ],
    )
    expires_at: Timestamp | None = Field(
        description="When the payment must have arrived", examples=["2026-01-11T12:51:03Z"]
    )
    seconds_left: int | None = Field(
        description="To pay, until `expires_at`; 0 when it is over, null when it was paid",
        examples=[298],
    )
    late_until: Timestamp | None = Field(
        description="In bitcoin, until when a late payment still buys at the price of the order; "
        "null in AEON, where AEON.to decides",
        examples=["2026-01-11T14:46:03Z"],
    )
    late_payment: LatePayment | None = Field(
        description="What a payment would buy that comes although the order is over; null while "
        "it is not"
    )
    vanished: bool = Field(
        description="In bitcoin, the chain no longer shows money that brought the order into its "
        "status; `transactions` says which",
        examples=[False],
    )
    confirmations_remaining: int | None = Field(
        description="Confirmations that a payment which is all there still waits for", examples=[2]
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
    settlement: SettlementShown | None = Field(
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
    status: OrderStatusShown = Field(description="How far it is", examples=["UNPAID"])
    settled: bool | None = Field(
        description="Whether the order is final. `true`: its credits were granted, and stay; `false`:"
        " it brings no credits, and Assay looks at it no more; null: it may still change. `OrderStatus`"
        " says when that is, on each rail",
        examples=[None, True],
    )
    created_at: Timestamp = Field(examples=["2026-01-11T12:46:01Z"])
    updated_at: Timestamp = Field(
        description="When its status last changed", examples=["2026-01-11T12:46:03Z"]
    )
    number_of_credits: int = Field(description="How many were ordered", examples=[10])
    credit_price_btc: Money = Field(
        description="The price of each when it was ordered", examples=["0.0005"]
    )
    credits_granted: int | None = Field(
        description="How many were granted, other than ordered where bitcoin came late or in "
        "excess; null until then",
        examples=[10],
    )
    grant_price_btc: Money | None = Field(
        description="The price of each when they were granted; null until then, and where an "
        "operator granted an order in bitcoin",
        examples=["0.0005"],
    )
    payment_coin: str = Field(description="As the caller wrote it", examples=["Aeon", "Bitcoin"])
    payment_network: str = Field(description="As the caller wrote it", examples=["AEON", "BTC"])
    btc_amount: Money = Field(
        description="The price in BTC when it was ordered", examples=["0.005"]
    )
    failure_reason: str | None = Field(
        description="Why it failed, if it did",
        examples=["AEON.to did not accept this order in time"],
    )
    notice: str | None = Field(
        description="What the buyer must know beyond the fields, in words: that it is over and what "
        "a late payment buys, that credits were granted at another price, or that money vanished",
        examples=[None, "This order timed out. Do not pay it any more: place a new order."],
    )
    client_reference: ShownReference
    metadata: ShownMetadata
    payment: PaymentResponse | None = Field(
        description="Null until it is known where to pay: in bitcoin at once, in AEON after seconds"
    )


class OrderPage(PageResponse[OrderResponse]):
    """Orders, newest first."""


def payment_uri(integrated_address: str | None, remaining: Decimal | None) -> str | None:
    """Write the `aeon:` URI of what is still to pay; None when nothing is, or nobody knows."""
    if integrated_address is None or not remaining or remaining < 0:
        return None
    return f"aeon:{integrated_address}?tx_amount={plain(remaining)}"
