from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, BinaryIO, TextIO, TYPE_CHECKING, Generator

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

from ..types import UNSET, Unset
from typing import cast


T = TypeVar("T", bound="ReturnCreditsRequest")


@_attrs_define
class ReturnCreditsRequest:
    """Credits that come back from an access code.

    Attributes:
        number_of_credits (int | None | Unset): How many come back to the caller; absent: all
    """

    number_of_credits: int | None | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        number_of_credits: int | None | Unset
        if isinstance(self.number_of_credits, Unset):
            number_of_credits = UNSET
        else:
            number_of_credits = self.number_of_credits

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update({})
        if number_of_credits is not UNSET:
            field_dict["number_of_credits"] = number_of_credits

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)

        def _parse_number_of_credits(data: object) -> int | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(int | None | Unset, data)

        number_of_credits = _parse_number_of_credits(d.pop("number_of_credits", UNSET))

        return_credits_request = cls(
            number_of_credits=number_of_credits,
        )

        return_credits_request.additional_properties = d
        return return_credits_request

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
