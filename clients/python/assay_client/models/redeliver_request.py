from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, BinaryIO, TextIO, TYPE_CHECKING, Generator

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

from ..types import UNSET, Unset
from typing import cast
import datetime


T = TypeVar("T", bound="RedeliverRequest")


@_attrs_define
class RedeliverRequest:
    """What is sent again: deliveries, or a range of events, or the events since a time.

    Attributes:
        delivery_ids (list[str] | None | Unset): These deliveries
        from_sequence (int | None | Unset): The events from this one on
        to_sequence (int | None | Unset): With `from_sequence`: up to this one; absent: all since
        since (datetime.datetime | None | Unset): The events since this time
    """

    delivery_ids: list[str] | None | Unset = UNSET
    from_sequence: int | None | Unset = UNSET
    to_sequence: int | None | Unset = UNSET
    since: datetime.datetime | None | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        delivery_ids: list[str] | None | Unset
        if isinstance(self.delivery_ids, Unset):
            delivery_ids = UNSET
        elif isinstance(self.delivery_ids, list):
            delivery_ids = self.delivery_ids

        else:
            delivery_ids = self.delivery_ids

        from_sequence: int | None | Unset
        if isinstance(self.from_sequence, Unset):
            from_sequence = UNSET
        else:
            from_sequence = self.from_sequence

        to_sequence: int | None | Unset
        if isinstance(self.to_sequence, Unset):
            to_sequence = UNSET
        else:
            to_sequence = self.to_sequence

        since: None | str | Unset
        if isinstance(self.since, Unset):
            since = UNSET
        elif isinstance(self.since, datetime.datetime):
            since = self.since.isoformat()
        else:
            since = self.since

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update({})
        if delivery_ids is not UNSET:
            field_dict["delivery_ids"] = delivery_ids
        if from_sequence is not UNSET:
            field_dict["from_sequence"] = from_sequence
        if to_sequence is not UNSET:
            field_dict["to_sequence"] = to_sequence
        if since is not UNSET:
            field_dict["since"] = since

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)

        def _parse_delivery_ids(data: object) -> list[str] | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, list):
                    raise TypeError()
                delivery_ids_type_0 = cast(list[str], data)

                return delivery_ids_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(list[str] | None | Unset, data)

        delivery_ids = _parse_delivery_ids(d.pop("delivery_ids", UNSET))

        def _parse_from_sequence(data: object) -> int | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(int | None | Unset, data)

        from_sequence = _parse_from_sequence(d.pop("from_sequence", UNSET))

        def _parse_to_sequence(data: object) -> int | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(int | None | Unset, data)

        to_sequence = _parse_to_sequence(d.pop("to_sequence", UNSET))

        def _parse_since(data: object) -> datetime.datetime | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                since_type_0 = datetime.datetime.fromisoformat(data)

                return since_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None | Unset, data)

        since = _parse_since(d.pop("since", UNSET))

        redeliver_request = cls(
            delivery_ids=delivery_ids,
            from_sequence=from_sequence,
            to_sequence=to_sequence,
            since=since,
        )

        redeliver_request.additional_properties = d
        return redeliver_request

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
