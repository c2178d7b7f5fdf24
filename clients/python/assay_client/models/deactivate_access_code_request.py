from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, BinaryIO, TextIO, TYPE_CHECKING, Generator

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

from ..types import UNSET, Unset


T = TypeVar("T", bound="DeactivateAccessCodeRequest")


@_attrs_define
class DeactivateAccessCodeRequest:
    """What becomes of the credits of a code that goes out of use.

    Attributes:
        keep_credits (bool | Unset): Leave its credits on it, and those that still come; absent: they go back to its
            issuer. Without it: `false`
    """

    keep_credits: bool | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        keep_credits = self.keep_credits

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update({})
        if keep_credits is not UNSET:
            field_dict["keep_credits"] = keep_credits

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        keep_credits = d.pop("keep_credits", UNSET)

        deactivate_access_code_request = cls(
            keep_credits=keep_credits,
        )

        deactivate_access_code_request.additional_properties = d
        return deactivate_access_code_request

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
