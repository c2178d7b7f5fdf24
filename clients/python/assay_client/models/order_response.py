from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, BinaryIO, TextIO, TYPE_CHECKING, Generator

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

from typing import cast
import datetime

if TYPE_CHECKING:
    from ..models.order_response_metadata import OrderResponseMetadata
    from ..models.payment_response import PaymentResponse


T = TypeVar("T", bound="OrderResponse")


@_attrs_define
class OrderResponse:
    """An order.

    Attributes:
        order_id (str): The order
        status (str): How far an order is: AEON.to's words, and `FAILED` and `CANCELLED`. `settled` says whether that is
            final: `true`, with its credits, `false`, without, or null, not yet. What is `false` only an operator
            can still change.

            | status | means | `settled` in AEON | `settled` in bitcoin | ask again after |
            |---|---|---|---|---|
            | `TO_BE_CREATED` | AEON.to has not accepted it yet | null | does not occur | 5 s |
            | `UNPAID` | it waits for the payment | null | null | 5 s |
            | `UNDERPAID` | a part of the price has come | null | null | 5 s |
            | `PAID_UNCONFIRMED` | all has come, and waits for confirmations | null | null | 10 s |
            | `PAID` | all is confirmed | null; `true` where the server grants credits here | `true` | 10 s; once `true`, no
            more |
            | `BTC_SENT` | AEON.to has paid the merchant | `true` | does not occur | no more |
            | `TIMED_OUT` | the time to pay is over | null for 24 hours, in which AEON.to may honour a late payment; then
            `false` | null: what comes later buys credits, until `payment.late_until` at the price of the order | 1 min for
            half an hour, then 1 h |
            | `NOT_FOUND` | AEON.to no longer knows it | null for 24 hours; then `false` | does not occur | 1 h |
            | `FAILED` | AEON.to refused it, or an operator closed it | `false` | `false` | no more |
            | `CANCELLED` | its buyer cancelled it | `false` if AEON.to had not accepted it, else as `TIMED_OUT` | as
            `TIMED_OUT` | 1 h |
             One of: `TO_BE_CREATED`, `UNPAID`, `UNDERPAID`, `PAID_UNCONFIRMED`, `PAID`, `BTC_SENT`, `TIMED_OUT`,
            `NOT_FOUND`, `FAILED`, `CANCELLED`. More words may come: handle one that you do not know (docs/versioning.md).
        settled (bool | None): Whether the order is final. `true`: its credits were granted, and stay; `false`: it
            brings no credits, and Assay looks at it no more; null: it may still change. `OrderStatus` says when that is, on
            each rail
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
        client_reference (None | str): What the caller who made it calls it; null: nothing
        metadata (OrderResponseMetadata): What the caller who made it gave with it; empty: nothing
        payment (None | PaymentResponse): Null until it is known where to pay: in bitcoin at once, in AEON after seconds
    """

    order_id: str
    status: str
    settled: bool | None
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
    client_reference: None | str
    metadata: OrderResponseMetadata
    payment: None | PaymentResponse
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.order_response_metadata import OrderResponseMetadata  # noqa: PLC0415
        from ..models.payment_response import PaymentResponse  # noqa: PLC0415

        order_id = self.order_id

        status = self.status

        settled: bool | None
        settled = self.settled

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

        client_reference: None | str
        client_reference = self.client_reference

        metadata = self.metadata.to_dict()

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
                "settled": settled,
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
                "client_reference": client_reference,
                "metadata": metadata,
                "payment": payment,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.order_response_metadata import OrderResponseMetadata  # noqa: PLC0415
        from ..models.payment_response import PaymentResponse  # noqa: PLC0415

        d = dict(src_dict)
        order_id = d.pop("order_id")

        status = d.pop("status")

        def _parse_settled(data: object) -> bool | None:
            if data is None:
                return data
            return cast(bool | None, data)

        settled = _parse_settled(d.pop("settled"))

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

        def _parse_client_reference(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        client_reference = _parse_client_reference(d.pop("client_reference"))

        metadata = OrderResponseMetadata.from_dict(d.pop("metadata"))

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
            settled=settled,
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
            client_reference=client_reference,
            metadata=metadata,
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
