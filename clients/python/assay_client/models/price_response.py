from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, BinaryIO, TextIO, TYPE_CHECKING, Generator

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

from typing import cast
import datetime

if TYPE_CHECKING:
    from ..models.rail_price import RailPrice


T = TypeVar("T", bound="PriceResponse")


@_attrs_define
class PriceResponse:
    """What credits cost now. What is not in `prices` is of its first member.

    Attributes:
        number_of_credits (int):
        btc_amount (str):
        payment_coin (str):
        payment_network (str):
        amount_total (str): In the payment coin
        as_of (datetime.datetime): When it was known
        prices (list[RailPrice]): In every coin asked about that may pay for so many, and whose price is known
    """

    number_of_credits: int
    btc_amount: str
    payment_coin: str
    payment_network: str
    amount_total: str
    as_of: datetime.datetime
    prices: list[RailPrice]
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.rail_price import RailPrice  # noqa: PLC0415

        number_of_credits = self.number_of_credits

        btc_amount = self.btc_amount

        payment_coin = self.payment_coin

        payment_network = self.payment_network

        amount_total = self.amount_total

        as_of = self.as_of.isoformat()

        prices = []
        for prices_item_data in self.prices:
            prices_item = prices_item_data.to_dict()
            prices.append(prices_item)

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "number_of_credits": number_of_credits,
                "btc_amount": btc_amount,
                "payment_coin": payment_coin,
                "payment_network": payment_network,
                "amount_total": amount_total,
                "as_of": as_of,
                "prices": prices,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.rail_price import RailPrice  # noqa: PLC0415

        d = dict(src_dict)
        number_of_credits = d.pop("number_of_credits")

        btc_amount = d.pop("btc_amount")

        payment_coin = d.pop("payment_coin")

        payment_network = d.pop("payment_network")

        amount_total = d.pop("amount_total")

        as_of = datetime.datetime.fromisoformat(d.pop("as_of"))

        prices = []
        _prices = d.pop("prices")
        for prices_item_data in _prices:
            prices_item = RailPrice.from_dict(prices_item_data)

            prices.append(prices_item)

        price_response = cls(
            number_of_credits=number_of_credits,
            btc_amount=btc_amount,
            payment_coin=payment_coin,
            payment_network=payment_network,
            amount_total=amount_total,
            as_of=as_of,
            prices=prices,
        )

        price_response.additional_properties = d
        return price_response

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
