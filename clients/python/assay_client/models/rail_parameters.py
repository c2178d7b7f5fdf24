from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, BinaryIO, TextIO, TYPE_CHECKING, Generator

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

from typing import cast
import datetime


T = TypeVar("T", bound="RailParameters")


@_attrs_define
class RailParameters:
    """What one order may be that is paid on this rail.

    Attributes:
        rail (str): How the money of an order travels. One of: `aeonto`, `bitcoin`. More words may come: handle one that
            you do not know (docs/versioning.md).
        payment_coin (str):
        payment_network (str):
        min_number_of_credits (int):
        max_number_of_credits (int):
        credit_price (str): One credit in the payment coin
        lower_limit_btc (str):
        upper_limit_btc (str):
        payment_window_seconds (int | None): How long an order waits to be paid; null: AEON.to says so with each order
        confirmations (int | None): How many a payment needs, small amounts perhaps fewer; null: AEON.to's own
        as_of (datetime.datetime): When it was known: AEON.to's limits and price are at most 5 minutes old
    """

    rail: str
    payment_coin: str
    payment_network: str
    min_number_of_credits: int
    max_number_of_credits: int
    credit_price: str
    lower_limit_btc: str
    upper_limit_btc: str
    payment_window_seconds: int | None
    confirmations: int | None
    as_of: datetime.datetime
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        rail = self.rail

        payment_coin = self.payment_coin

        payment_network = self.payment_network

        min_number_of_credits = self.min_number_of_credits

        max_number_of_credits = self.max_number_of_credits

        credit_price = self.credit_price

        lower_limit_btc = self.lower_limit_btc

        upper_limit_btc = self.upper_limit_btc

        payment_window_seconds: int | None
        payment_window_seconds = self.payment_window_seconds

        confirmations: int | None
        confirmations = self.confirmations

        as_of = self.as_of.isoformat()

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "rail": rail,
                "payment_coin": payment_coin,
                "payment_network": payment_network,
                "min_number_of_credits": min_number_of_credits,
                "max_number_of_credits": max_number_of_credits,
                "credit_price": credit_price,
                "lower_limit_btc": lower_limit_btc,
                "upper_limit_btc": upper_limit_btc,
                "payment_window_seconds": payment_window_seconds,
                "confirmations": confirmations,
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

        min_number_of_credits = d.pop("min_number_of_credits")

        max_number_of_credits = d.pop("max_number_of_credits")

        credit_price = d.pop("credit_price")

        lower_limit_btc = d.pop("lower_limit_btc")

        upper_limit_btc = d.pop("upper_limit_btc")

        def _parse_payment_window_seconds(data: object) -> int | None:
            if data is None:
                return data
            return cast(int | None, data)

        payment_window_seconds = _parse_payment_window_seconds(d.pop("payment_window_seconds"))

        def _parse_confirmations(data: object) -> int | None:
            if data is None:
                return data
            return cast(int | None, data)

        confirmations = _parse_confirmations(d.pop("confirmations"))

        as_of = datetime.datetime.fromisoformat(d.pop("as_of"))

        rail_parameters = cls(
            rail=rail,
            payment_coin=payment_coin,
            payment_network=payment_network,
            min_number_of_credits=min_number_of_credits,
            max_number_of_credits=max_number_of_credits,
            credit_price=credit_price,
            lower_limit_btc=lower_limit_btc,
            upper_limit_btc=upper_limit_btc,
            payment_window_seconds=payment_window_seconds,
            confirmations=confirmations,
            as_of=as_of,
        )

        rail_parameters.additional_properties = d
        return rail_parameters

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
