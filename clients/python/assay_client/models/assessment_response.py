from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, BinaryIO, TextIO, TYPE_CHECKING, Generator

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

from ..models.assessment_status import AssessmentStatus
from ..models.assessment_type import AssessmentType
from typing import cast
import datetime

if TYPE_CHECKING:
    from ..models.answer_response import AnswerResponse
    from ..models.assessment_response_metadata import AssessmentResponseMetadata
    from ..models.change_response import ChangeResponse


T = TypeVar("T", bound="AssessmentResponse")


@_attrs_define
class AssessmentResponse:
    """An assessment.

    Attributes:
        assessment_id (str):
        status (AssessmentStatus): How far an assessment is. No value is added within this version.
        created_at (datetime.datetime):
        updated_at (datetime.datetime):
        assessment_type (AssessmentType): What is being assessed. No value is added within this version.
        address (str):
        currency (str):
        tx_hash (None | str):
        as_of (datetime.date | None): The day as of which was asked; null: as of when it was made
        provider (str): Who answers
        summary (str): How it stands, in one sentence: the answer, and what changed since
        answer (AnswerResponse | None): Null until it is ready
        failure_reason (None | str): Why it failed, if it did; the credit was refunded
        client_reference (None | str): What the caller who made it calls it; null: nothing
        metadata (AssessmentResponseMetadata): What the caller who made it gave with it; empty: nothing
        changes (list[ChangeResponse]): What later versions of lists changed, oldest first; the answer stays as given
    """

    assessment_id: str
    status: AssessmentStatus
    created_at: datetime.datetime
    updated_at: datetime.datetime
    assessment_type: AssessmentType
    address: str
    currency: str
    tx_hash: None | str
    as_of: datetime.date | None
    provider: str
    summary: str
    answer: AnswerResponse | None
    failure_reason: None | str
    client_reference: None | str
    metadata: AssessmentResponseMetadata
    changes: list[ChangeResponse]
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.answer_response import AnswerResponse  # noqa: PLC0415
        from ..models.assessment_response_metadata import AssessmentResponseMetadata  # noqa: PLC0415
        from ..models.change_response import ChangeResponse  # noqa: PLC0415

        assessment_id = self.assessment_id

        status = self.status.value

        created_at = self.created_at.isoformat()

        updated_at = self.updated_at.isoformat()

        assessment_type = self.assessment_type.value

        address = self.address

        currency = self.currency

        tx_hash: None | str
        tx_hash = self.tx_hash

        as_of: None | str
        if isinstance(self.as_of, datetime.date):
            as_of = self.as_of.isoformat()
        else:
            as_of = self.as_of

        provider = self.provider

        summary = self.summary

        answer: dict[str, Any] | None
        if isinstance(self.answer, AnswerResponse):
            answer = self.answer.to_dict()
        else:
            answer = self.answer

        failure_reason: None | str
        failure_reason = self.failure_reason

        client_reference: None | str
        client_reference = self.client_reference

        metadata = self.metadata.to_dict()

        changes = []
        for changes_item_data in self.changes:
            changes_item = changes_item_data.to_dict()
            changes.append(changes_item)

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "assessment_id": assessment_id,
                "status": status,
                "created_at": created_at,
                "updated_at": updated_at,
                "assessment_type": assessment_type,
                "address": address,
                "currency": currency,
                "tx_hash": tx_hash,
                "as_of": as_of,
                "provider": provider,
                "summary": summary,
                "answer": answer,
                "failure_reason": failure_reason,
                "client_reference": client_reference,
                "metadata": metadata,
                "changes": changes,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.answer_response import AnswerResponse  # noqa: PLC0415
        from ..models.assessment_response_metadata import AssessmentResponseMetadata  # noqa: PLC0415
        from ..models.change_response import ChangeResponse  # noqa: PLC0415

        d = dict(src_dict)
        assessment_id = d.pop("assessment_id")

        status = AssessmentStatus(d.pop("status"))

        created_at = datetime.datetime.fromisoformat(d.pop("created_at"))

        updated_at = datetime.datetime.fromisoformat(d.pop("updated_at"))

        assessment_type = AssessmentType(d.pop("assessment_type"))

        address = d.pop("address")

        currency = d.pop("currency")

        def _parse_tx_hash(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        tx_hash = _parse_tx_hash(d.pop("tx_hash"))

        def _parse_as_of(data: object) -> datetime.date | None:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                as_of_type_0 = datetime.date.fromisoformat(data)

                return as_of_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.date | None, data)

        as_of = _parse_as_of(d.pop("as_of"))

        provider = d.pop("provider")

        summary = d.pop("summary")

        def _parse_answer(data: object) -> AnswerResponse | None:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                answer_type_0 = AnswerResponse.from_dict(data)

                return answer_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(AnswerResponse | None, data)

        answer = _parse_answer(d.pop("answer"))

        def _parse_failure_reason(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        failure_reason = _parse_failure_reason(d.pop("failure_reason"))

        def _parse_client_reference(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        client_reference = _parse_client_reference(d.pop("client_reference"))

        metadata = AssessmentResponseMetadata.from_dict(d.pop("metadata"))

        changes = []
        _changes = d.pop("changes")
        for changes_item_data in _changes:
            changes_item = ChangeResponse.from_dict(changes_item_data)

            changes.append(changes_item)

        assessment_response = cls(
            assessment_id=assessment_id,
            status=status,
            created_at=created_at,
            updated_at=updated_at,
            assessment_type=assessment_type,
            address=address,
            currency=currency,
            tx_hash=tx_hash,
            as_of=as_of,
            provider=provider,
            summary=summary,
            answer=answer,
            failure_reason=failure_reason,
            client_reference=client_reference,
            metadata=metadata,
            changes=changes,
        )

        assessment_response.additional_properties = d
        return assessment_response

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
