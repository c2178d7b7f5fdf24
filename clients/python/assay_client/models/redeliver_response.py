from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, BinaryIO, TextIO, TYPE_CHECKING, Generator

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

from typing import cast


T = TypeVar("T", bound="RedeliverResponse")


@_attrs_define
class RedeliverResponse:
    """What is on its way again.

    Attributes:
        deliveries (int): How many
        more_from (int | None): One request takes 1,000 events: the `from_sequence` of the next; null: all are on their
            way
    """

    deliveries: int
    more_from: int | None
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        deliveries = self.deliveries

        more_from: int | None
        more_from = self.more_from

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "deliveries": deliveries,
                "more_from": more_from,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        deliveries = d.pop("deliveries")

        def _parse_more_from(data: object) -> int | None:
            if data is None:
                return data
            return cast(int | None, data)

        more_from = _parse_more_from(d.pop("more_from"))

        redeliver_response = cls(
            deliveries=deliveries,
            more_from=more_from,
        )

        redeliver_response.additional_properties = d
        return redeliver_response

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
