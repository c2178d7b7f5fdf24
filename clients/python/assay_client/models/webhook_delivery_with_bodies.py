from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, BinaryIO, TextIO, TYPE_CHECKING, Generator

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

from ..models.delivery_status import DeliveryStatus
from typing import cast
import datetime


T = TypeVar("T", bound="WebhookDeliveryWithBodies")


@_attrs_define
class WebhookDeliveryWithBodies:
    """A delivery with what was sent, and what was last answered.

    Attributes:
        id (str):
        webhook_id (str): The header `webhook-id`: the same whenever this event is sent
        event_type (str): A type of events, or `webhook.test`
        sequence (int | None): The event's; null: a test
        status (DeliveryStatus): What became of a delivery; a pending one is sent, or sent again, at its time. No value
            is added within this version.
        created_at (datetime.datetime):
        attempts (int): Since it was last asked for
        last_attempt_at (datetime.datetime | None):
        next_attempt_at (datetime.datetime | None): Null: it is delivered, or failed
        answer_status (int | None): The HTTP status of the last answer; null: none came
        duration_ms (int | None): How long the last attempt took, in milliseconds
        error (None | str): For a person: why the last attempt failed
        request_body (str): To the byte
        answer_body (None | str): Its first 64 KiB; null: none yet
    """

    id: str
    webhook_id: str
    event_type: str
    sequence: int | None
    status: DeliveryStatus
    created_at: datetime.datetime
    attempts: int
    last_attempt_at: datetime.datetime | None
    next_attempt_at: datetime.datetime | None
    answer_status: int | None
    duration_ms: int | None
    error: None | str
    request_body: str
    answer_body: None | str
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        id = self.id

        webhook_id = self.webhook_id

        event_type = self.event_type

        sequence: int | None
        sequence = self.sequence

        status = self.status.value

        created_at = self.created_at.isoformat()

        attempts = self.attempts

        last_attempt_at: None | str
        if isinstance(self.last_attempt_at, datetime.datetime):
            last_attempt_at = self.last_attempt_at.isoformat()
        else:
            last_attempt_at = self.last_attempt_at

        next_attempt_at: None | str
        if isinstance(self.next_attempt_at, datetime.datetime):
            next_attempt_at = self.next_attempt_at.isoformat()
        else:
            next_attempt_at = self.next_attempt_at

        answer_status: int | None
        answer_status = self.answer_status

        duration_ms: int | None
        duration_ms = self.duration_ms

        error: None | str
        error = self.error

        request_body = self.request_body

        answer_body: None | str
        answer_body = self.answer_body

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "id": id,
                "webhook_id": webhook_id,
                "event_type": event_type,
                "sequence": sequence,
                "status": status,
                "created_at": created_at,
                "attempts": attempts,
                "last_attempt_at": last_attempt_at,
                "next_attempt_at": next_attempt_at,
                "answer_status": answer_status,
                "duration_ms": duration_ms,
                "error": error,
                "request_body": request_body,
                "answer_body": answer_body,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        id = d.pop("id")

        webhook_id = d.pop("webhook_id")

        event_type = d.pop("event_type")

        def _parse_sequence(data: object) -> int | None:
            if data is None:
                return data
            return cast(int | None, data)

        sequence = _parse_sequence(d.pop("sequence"))

        status = DeliveryStatus(d.pop("status"))

        created_at = datetime.datetime.fromisoformat(d.pop("created_at"))

        attempts = d.pop("attempts")

        def _parse_last_attempt_at(data: object) -> datetime.datetime | None:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                last_attempt_at_type_0 = datetime.datetime.fromisoformat(data)

                return last_attempt_at_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None, data)

        last_attempt_at = _parse_last_attempt_at(d.pop("last_attempt_at"))

        def _parse_next_attempt_at(data: object) -> datetime.datetime | None:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                next_attempt_at_type_0 = datetime.datetime.fromisoformat(data)

                return next_attempt_at_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None, data)

        next_attempt_at = _parse_next_attempt_at(d.pop("next_attempt_at"))

        def _parse_answer_status(data: object) -> int | None:
            if data is None:
                return data
            return cast(int | None, data)

        answer_status = _parse_answer_status(d.pop("answer_status"))

        def _parse_duration_ms(data: object) -> int | None:
            if data is None:
                return data
            return cast(int | None, data)

        duration_ms = _parse_duration_ms(d.pop("duration_ms"))

        def _parse_error(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        error = _parse_error(d.pop("error"))

        request_body = d.pop("request_body")

        def _parse_answer_body(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        answer_body = _parse_answer_body(d.pop("answer_body"))

        webhook_delivery_with_bodies = cls(
            id=id,
            webhook_id=webhook_id,
            event_type=event_type,
            sequence=sequence,
            status=status,
            created_at=created_at,
            attempts=attempts,
            last_attempt_at=last_attempt_at,
            next_attempt_at=next_attempt_at,
            answer_status=answer_status,
            duration_ms=duration_ms,
            error=error,
            request_body=request_body,
            answer_body=answer_body,
        )

        webhook_delivery_with_bodies.additional_properties = d
        return webhook_delivery_with_bodies

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
