from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, BinaryIO, TextIO, TYPE_CHECKING, Generator

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

from typing import cast
import datetime


T = TypeVar("T", bound="RailPrice")


@_attrs_define
class RailPrice:
    """What credits cost now on one rail.

    Attributes:
        rail (str): How the money of an order travels. One of: `aeonto`, `bitcoin`. More words may come: handle one that
            you do not know (docs/versioning.md).
        payment_coin (str):
        payment_network (str):
        amount_total (str): In the payment coin
        as_of (datetime.datetime): When it was known: AEON.to's price is at most 5 minutes old
    """

    rail: str
    payment_coin: str
    payment_network: str
    amount_total: str
    as_of: datetime.datetime
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        rail = self.rail

        payment_coin = self.payment_coin

        payment_network = self.payment_network

        amount_total = self.amount_total

        as_of = self.as_of.isoformat()

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "rail": rail,
                "payment_coin": payment_coin,
                "payment_network": payment_network,
                "amount_total": amount_total,
                "as_of": as_of,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        rail = d.pop("rail")

        payment_coin = d.pop("payment_coin")

        payment_network = d.pop("payment_network")

        amount_total = d.pop("amount_total")

        as_of = datetime.datetime.fromisoformat(d.pop("as_of"))

        rail_price = cls(
            rail=rail,
            payment_coin=payment_coin,
            payment_network=payment_network,
            amount_total=amount_total,
            as_of=as_of,
        )

        rail_price.additional_properties = d
        return rail_price

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
