from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, BinaryIO, TextIO, TYPE_CHECKING, Generator

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

from typing import cast
import datetime


T = TypeVar("T", bound="LatePayment")


@_attrs_define
class LatePayment:
    """What the whole price of an order that is over still buys, if all of it has come by now.

    Attributes:
        credits_ (int | None): How many credits; null where AEON.to decides whether it honours the payment
        credit_price_btc (None | str): At what price each
        until (datetime.datetime | None): Until when that stands; null: the price is today's, and may change
    """

    credits_: int | None
    credit_price_btc: None | str
    until: datetime.datetime | None
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        credits_: int | None
        credits_ = self.credits_

        credit_price_btc: None | str
        credit_price_btc = self.credit_price_btc

        until: None | str
        if isinstance(self.until, datetime.datetime):
            until = self.until.isoformat()
        else:
            until = self.until

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "credits": credits_,
                "credit_price_btc": credit_price_btc,
                "until": until,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)

        def _parse_credits_(data: object) -> int | None:
            if data is None:
                return data
            return cast(int | None, data)

        credits_ = _parse_credits_(d.pop("credits"))

        def _parse_credit_price_btc(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        credit_price_btc = _parse_credit_price_btc(d.pop("credit_price_btc"))

        def _parse_until(data: object) -> datetime.datetime | None:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                until_type_0 = datetime.datetime.fromisoformat(data)

                return until_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None, data)

        until = _parse_until(d.pop("until"))

        late_payment = cls(
            credits_=credits_,
            credit_price_btc=credit_price_btc,
            until=until,
        )

        late_payment.additional_properties = d
        return late_payment

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
