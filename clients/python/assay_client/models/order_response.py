from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, BinaryIO, TextIO, TYPE_CHECKING, Generator

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

from typing import cast
import datetime

if TYPE_CHECKING:
    from ..models.payment_response import PaymentResponse


T = TypeVar("T", bound="OrderResponse")


@_attrs_define
class OrderResponse:
    """An order.

    Attributes:
        order_id (str): The order
        status (str): AEON.to's vocabulary (AEON.to API v3, "Querying order status"), plus our FAILED, CANCELLED. One
            of: `TO_BE_CREATED`, `UNPAID`, `UNDERPAID`, `PAID_UNCONFIRMED`, `PAID`, `BTC_SENT`, `TIMED_OUT`, `NOT_FOUND`,
            `FAILED`, `CANCELLED`. More words may come: handle one that you do not know (docs/versioning.md).
        created_at (datetime.datetime):
        updated_at (datetime.datetime): When its status last changed
        number_of_credits (int): How many were ordered
        credit_price_btc (str): The price of each when it was ordered
        credits_granted (int | None): How many were granted, other than ordered where bitcoin came late or in excess;
            null until then
        grant_price_btc (None | str): The price of each when they were granted; null until then, and where an operator
            granted an order in bitcoin
        payment_coin (str): As the caller wrote it
        payment_network (str): As the caller wrote it
        btc_amount (str): The price in BTC when it was ordered
        failure_reason (None | str): Why it failed, if it did
        notice (None | str): What the buyer must know beyond the fields, in words: that it is over and what a late
            payment buys, that credits were granted at another price, or that money vanished
        payment (None | PaymentResponse): Null until it is known where to pay: in bitcoin at once, in AEON after seconds
    """

    order_id: str
    status: str
    created_at: datetime.datetime
    updated_at: datetime.datetime
    number_of_credits: int
    credit_price_btc: str
    credits_granted: int | None
    grant_price_btc: None | str
    payment_coin: str
    payment_network: str
    btc_amount: str
    failure_reason: None | str
    notice: None | str
    payment: None | PaymentResponse
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.payment_response import PaymentResponse  # noqa: PLC0415

        order_id = self.order_id

        status = self.status

        created_at = self.created_at.isoformat()

        updated_at = self.updated_at.isoformat()

        number_of_credits = self.number_of_credits

        credit_price_btc = self.credit_price_btc

        credits_granted: int | None
        credits_granted = self.credits_granted

        grant_price_btc: None | str
        grant_price_btc = self.grant_price_btc

        payment_coin = self.payment_coin

        payment_network = self.payment_network

        btc_amount = self.btc_amount

        failure_reason: None | str
        failure_reason = self.failure_reason

        notice: None | str
        notice = self.notice

        payment: dict[str, Any] | None
        if isinstance(self.payment, PaymentResponse):
            payment = self.payment.to_dict()
        else:
            payment = self.payment

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "order_id": order_id,
                "status": status,
                "created_at": created_at,
                "updated_at": updated_at,
                "number_of_credits": number_of_credits,
                "credit_price_btc": credit_price_btc,
                "credits_granted": credits_granted,
                "grant_price_btc": grant_price_btc,
                "payment_coin": payment_coin,
                "payment_network": payment_network,
                "btc_amount": btc_amount,
                "failure_reason": failure_reason,
                "notice": notice,
                "payment": payment,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.payment_response import PaymentResponse  # noqa: PLC0415

        d = dict(src_dict)
        order_id = d.pop("order_id")

        status = d.pop("status")

        created_at = datetime.datetime.fromisoformat(d.pop("created_at"))

        updated_at = datetime.datetime.fromisoformat(d.pop("updated_at"))

        number_of_credits = d.pop("number_of_credits")

        credit_price_btc = d.pop("credit_price_btc")

        def _parse_credits_granted(data: object) -> int | None:
            if data is None:
                return data
            return cast(int | None, data)

        credits_granted = _parse_credits_granted(d.pop("credits_granted"))

        def _parse_grant_price_btc(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        grant_price_btc = _parse_grant_price_btc(d.pop("grant_price_btc"))

        payment_coin = d.pop("payment_coin")

        payment_network = d.pop("payment_network")

        btc_amount = d.pop("btc_amount")

        def _parse_failure_reason(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        failure_reason = _parse_failure_reason(d.pop("failure_reason"))

        def _parse_notice(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        notice = _parse_notice(d.pop("notice"))

        def _parse_payment(data: object) -> None | PaymentResponse:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                payment_type_0 = PaymentResponse.from_dict(data)

                return payment_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(None | PaymentResponse, data)

        payment = _parse_payment(d.pop("payment"))

        order_response = cls(
            order_id=order_id,
            status=status,
            created_at=created_at,
            updated_at=updated_at,
            number_of_credits=number_of_credits,
            credit_price_btc=credit_price_btc,
            credits_granted=credits_granted,
            grant_price_btc=grant_price_btc,
            payment_coin=payment_coin,
            payment_network=payment_network,
            btc_amount=btc_amount,
            failure_reason=failure_reason,
            notice=notice,
            payment=payment,
        )

        order_response.additional_properties = d
        return order_response

    @property
    def additional_keys(self) -> list[str]:
        return list(self.additional_properties.keys())

    def __getitem__(self, key: str) -> Any:
        return self.additional_properties[key]

    def __setitem__(self, key: str, value: Any) -> None:
        self.additional_properties[key] = value

    def __delitem__(self, key: str) -> None:
        del self.additional_properties[key]

    def __contains__(self, key: str) -> bool:
        return key in self.additional_properties
