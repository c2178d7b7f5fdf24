from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, BinaryIO, TextIO, TYPE_CHECKING, Generator

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

from ..types import UNSET, Unset
from typing import cast


T = TypeVar("T", bound="CheckPriceRequest")


@_attrs_define
class CheckPriceRequest:
    """A question about the price: in one coin, or in each that is sold for.

    Attributes:
        number_of_credits (int): How many credits
        payment_coin (None | str | Unset): The coin to pay with; any, if absent
        payment_network (None | str | Unset): The network of the coin; its own, if absent
    """

    number_of_credits: int
    payment_coin: None | str | Unset = UNSET
    payment_network: None | str | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        number_of_credits = self.number_of_credits

        payment_coin: None | str | Unset
        if isinstance(self.payment_coin, Unset):
            payment_coin = UNSET
        else:
            payment_coin = self.payment_coin

        payment_network: None | str | Unset
        if isinstance(self.payment_network, Unset):
            payment_network = UNSET
        else:
            payment_network = self.payment_network

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "number_of_credits": number_of_credits,
            }
        )
        if payment_coin is not UNSET:
            field_dict["payment_coin"] = payment_coin
        if payment_network is not UNSET:
            field_dict["payment_network"] = payment_network

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        number_of_credits = d.pop("number_of_credits")

        def _parse_payment_coin(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        payment_coin = _parse_payment_coin(d.pop("payment_coin", UNSET))

        def _parse_payment_network(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        payment_network = _parse_payment_network(d.pop("payment_network", UNSET))

        check_price_request = cls(
            number_of_credits=number_of_credits,
            payment_coin=payment_coin,
            payment_network=payment_network,
        )

        check_price_request.additional_properties = d
        return check_price_request

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
