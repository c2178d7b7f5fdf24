from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, BinaryIO, TextIO, TYPE_CHECKING, Generator

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

from typing import cast
import datetime

if TYPE_CHECKING:
    from ..models.event_response_data import EventResponseData


T = TypeVar("T", bound="EventResponse")


@_attrs_define
class EventResponse:
    """Something that happened to a thing of the account.

    Attributes:
        sequence (int): Its number in the stream, from 1 on and without gaps
        type_ (str): What happened. `data` of an event is what the API shows of the thing that it is about. One of:
            `order.updated`, `order.credited`, `credits.moved`, `assessment.ready`, `assessment.failed`,
            `assessment.changed`, `access_code.updated`, `key.created`, `key.revoked`. More words may come: handle one that
            you do not know (docs/versioning.md).
        at (datetime.datetime): When it happened
        data (EventResponseData): The whole thing, as the API showed it then
        previous_status (None | str): The status of the thing before; null where it is new or has none
    """

    sequence: int
    type_: str
    at: datetime.datetime
    data: EventResponseData
    previous_status: None | str
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.event_response_data import EventResponseData  # noqa: PLC0415

        sequence = self.sequence

        type_ = self.type_

        at = self.at.isoformat()

        data = self.data.to_dict()

        previous_status: None | str
        previous_status = self.previous_status

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "sequence": sequence,
                "type": type_,
                "at": at,
                "data": data,
                "previous_status": previous_status,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.event_response_data import EventResponseData  # noqa: PLC0415

        d = dict(src_dict)
        sequence = d.pop("sequence")

        type_ = d.pop("type")

        at = datetime.datetime.fromisoformat(d.pop("at"))

        data = EventResponseData.from_dict(d.pop("data"))

        def _parse_previous_status(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        previous_status = _parse_previous_status(d.pop("previous_status"))

        event_response = cls(
            sequence=sequence,
            type_=type_,
            at=at,
            data=data,
            previous_status=previous_status,
        )

        event_response.additional_properties = d
        return event_response

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
