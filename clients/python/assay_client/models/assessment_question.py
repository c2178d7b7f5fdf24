from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, BinaryIO, TextIO, TYPE_CHECKING, Generator

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

from ..models.assessment_type import AssessmentType
from ..types import UNSET, Unset
from typing import cast
import datetime

if TYPE_CHECKING:
    from ..models.assessment_question_metadata_type_0 import AssessmentQuestionMetadataType0


T = TypeVar("T", bound="AssessmentQuestion")


@_attrs_define
class AssessmentQuestion:
    """What all ways of asking share.

    Attributes:
        assessment_type (AssessmentType): What is being assessed. No value is added within this version.
        address (str): The blockchain address
        currency (str): The currency's ticker
        tx_hash (None | str | Unset): The transaction, needed for the type `transaction`
        as_of (datetime.date | None | Unset): Answer as of this day (UTC): what the lists said then. Without it, as of
            now
        fresh (bool | Unset): Ask anew, and pay, even if the same was answered a short while ago. Without it: `false`
        client_reference (None | str | Unset): What the caller calls it: at most 128 characters. Shown wherever it is
            shown, and lists can be searched for it
        metadata (AssessmentQuestionMetadataType0 | None | Unset): Up to 20 short strings of the caller's own, shown
            wherever it is shown: names of at most 40 characters, values of at most 500
    """

    assessment_type: AssessmentType
    address: str
    currency: str
    tx_hash: None | str | Unset = UNSET
    as_of: datetime.date | None | Unset = UNSET
    fresh: bool | Unset = UNSET
    client_reference: None | str | Unset = UNSET
    metadata: AssessmentQuestionMetadataType0 | None | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.assessment_question_metadata_type_0 import AssessmentQuestionMetadataType0  # noqa: PLC0415

        assessment_type = self.assessment_type.value

        address = self.address

        currency = self.currency

        tx_hash: None | str | Unset
        if isinstance(self.tx_hash, Unset):
            tx_hash = UNSET
        else:
            tx_hash = self.tx_hash

        as_of: None | str | Unset
        if isinstance(self.as_of, Unset):
            as_of = UNSET
        elif isinstance(self.as_of, datetime.date):
            as_of = self.as_of.isoformat()
        else:
            as_of = self.as_of

        fresh = self.fresh

        client_reference: None | str | Unset
        if isinstance(self.client_reference, Unset):
            client_reference = UNSET
        else:
            client_reference = self.client_reference

        metadata: dict[str, Any] | None | Unset
        if isinstance(self.metadata, Unset):
            metadata = UNSET
        elif isinstance(self.metadata, AssessmentQuestionMetadataType0):
            metadata = self.metadata.to_dict()
        else:
            metadata = self.metadata

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "assessment_type": assessment_type,
                "address": address,
                "currency": currency,
            }
        )
        if tx_hash is not UNSET:
            field_dict["tx_hash"] = tx_hash
        if as_of is not UNSET:
            field_dict["as_of"] = as_of
        if fresh is not UNSET:
            field_dict["fresh"] = fresh
        if client_reference is not UNSET:
            field_dict["client_reference"] = client_reference
        if metadata is not UNSET:
            field_dict["metadata"] = metadata

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.assessment_question_metadata_type_0 import AssessmentQuestionMetadataType0  # noqa: PLC0415

        d = dict(src_dict)
        assessment_type = AssessmentType(d.pop("assessment_type"))

        address = d.pop("address")

        currency = d.pop("currency")

        def _parse_tx_hash(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        tx_hash = _parse_tx_hash(d.pop("tx_hash", UNSET))

        def _parse_as_of(data: object) -> datetime.date | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                as_of_type_0 = datetime.date.fromisoformat(data)

                return as_of_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.date | None | Unset, data)

        as_of = _parse_as_of(d.pop("as_of", UNSET))

        fresh = d.pop("fresh", UNSET)

        def _parse_client_reference(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        client_reference = _parse_client_reference(d.pop("client_reference", UNSET))

        def _parse_metadata(data: object) -> AssessmentQuestionMetadataType0 | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                metadata_type_0 = AssessmentQuestionMetadataType0.from_dict(data)

                return metadata_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(AssessmentQuestionMetadataType0 | None | Unset, data)

        metadata = _parse_metadata(d.pop("metadata", UNSET))

        assessment_question = cls(
            assessment_type=assessment_type,
            address=address,
            currency=currency,
            tx_hash=tx_hash,
            as_of=as_of,
            fresh=fresh,
            client_reference=client_reference,
            metadata=metadata,
        )

        assessment_question.additional_properties = d
        return assessment_question

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
