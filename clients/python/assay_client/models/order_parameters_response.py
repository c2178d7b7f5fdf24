from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, BinaryIO, TextIO, TYPE_CHECKING, Generator

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

from typing import cast
import datetime

if TYPE_CHECKING:
    from ..models.rail_parameters import RailParameters


T = TypeVar("T", bound="OrderParametersResponse")


@_attrs_define
class OrderParametersResponse:
    """What one order may be, and what it costs. What is not in `rails` is of its first member.

    Attributes:
        payment_coin (str):
        payment_network (str):
        min_number_of_credits (int):
        max_number_of_credits (int):
        credit_price_btc (str):
        credit_price (str): One credit in the payment coin
        lower_limit_btc (str):
        upper_limit_btc (str):
        as_of (datetime.datetime): When it was known
        rails (list[RailParameters]): Every way of paying that is offered and known now; AEON's is missing while AEON.to
            does not answer
    """

    payment_coin: str
    payment_network: str
    min_number_of_credits: int
    max_number_of_credits: int
    credit_price_btc: str
    credit_price: str
    lower_limit_btc: str
    upper_limit_btc: str
    as_of: datetime.datetime
    rails: list[RailParameters]
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.rail_parameters import RailParameters  # noqa: PLC0415

        payment_coin = self.payment_coin

        payment_network = self.payment_network

        min_number_of_credits = self.min_number_of_credits

        max_number_of_credits = self.max_number_of_credits

        credit_price_btc = self.credit_price_btc

        credit_price = self.credit_price

        lower_limit_btc = self.lower_limit_btc

        upper_limit_btc = self.upper_limit_btc

        as_of = self.as_of.isoformat()

        rails = []
        for rails_item_data in self.rails:
            rails_item = rails_item_data.to_dict()
            rails.append(rails_item)

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "payment_coin": payment_coin,
                "payment_network": payment_network,
                "min_number_of_credits": min_number_of_credits,
                "max_number_of_credits": max_number_of_credits,
                "credit_price_btc": credit_price_btc,
                "credit_price": credit_price,
                "lower_limit_btc": lower_limit_btc,
                "upper_limit_btc": upper_limit_btc,
                "as_of": as_of,
                "rails": rails,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.rail_parameters import RailParameters  # noqa: PLC0415

        d = dict(src_dict)
        payment_coin = d.pop("payment_coin")

        payment_network = d.pop("payment_network")

        min_number_of_credits = d.pop("min_number_of_credits")

        max_number_of_credits = d.pop("max_number_of_credits")

        credit_price_btc = d.pop("credit_price_btc")

        credit_price = d.pop("credit_price")

        lower_limit_btc = d.pop("lower_limit_btc")

        upper_limit_btc = d.pop("upper_limit_btc")

        as_of = datetime.datetime.fromisoformat(d.pop("as_of"))

        rails = []
        _rails = d.pop("rails")
        for rails_item_data in _rails:
            rails_item = RailParameters.from_dict(rails_item_data)

            rails.append(rails_item)

        order_parameters_response = cls(
            payment_coin=payment_coin,
            payment_network=payment_network,
            min_number_of_credits=min_number_of_credits,
            max_number_of_credits=max_number_of_credits,
            credit_price_btc=credit_price_btc,
            credit_price=credit_price,
            lower_limit_btc=lower_limit_btc,
            upper_limit_btc=upper_limit_btc,
            as_of=as_of,
            rails=rails,
        )

        order_parameters_response.additional_properties = d
        return order_parameters_response

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
