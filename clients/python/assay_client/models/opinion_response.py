from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, BinaryIO, TextIO, TYPE_CHECKING, Generator

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

from typing import cast

if TYPE_CHECKING:
    from ..models.evidence_response import EvidenceResponse
    from ..models.vendor_score_response import VendorScoreResponse


T = TypeVar("T", bound="OpinionResponse")


@_attrs_define
class OpinionResponse:
    """What one of several providers said, or why it said nothing.

    Attributes:
        provider (str):
        reason (None | str): Why there is no answer of it
        risk_score (None | str): Null without an answer
        grade (None | str): Null without an answer
        evidence (list[EvidenceResponse]):
        provider_reference (None | str): Under what the provider knows it
        vendor (None | VendorScoreResponse): The vendor's own score, where a vendor was asked
    """

    provider: str
    reason: None | str
    risk_score: None | str
    grade: None | str
    evidence: list[EvidenceResponse]
    provider_reference: None | str
    vendor: None | VendorScoreResponse
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.evidence_response import EvidenceResponse  # noqa: PLC0415
        from ..models.vendor_score_response import VendorScoreResponse  # noqa: PLC0415

        provider = self.provider

        reason: None | str
        reason = self.reason

        risk_score: None | str
        risk_score = self.risk_score

        grade: None | str
        grade = self.grade

        evidence = []
        for evidence_item_data in self.evidence:
            evidence_item = evidence_item_data.to_dict()
            evidence.append(evidence_item)

        provider_reference: None | str
        provider_reference = self.provider_reference

        vendor: dict[str, Any] | None
        if isinstance(self.vendor, VendorScoreResponse):
            vendor = self.vendor.to_dict()
        else:
            vendor = self.vendor

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "provider": provider,
                "reason": reason,
                "risk_score": risk_score,
                "grade": grade,
                "evidence": evidence,
                "provider_reference": provider_reference,
                "vendor": vendor,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.evidence_response import EvidenceResponse  # noqa: PLC0415
        from ..models.vendor_score_response import VendorScoreResponse  # noqa: PLC0415

        d = dict(src_dict)
        provider = d.pop("provider")

        def _parse_reason(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        reason = _parse_reason(d.pop("reason"))

        def _parse_risk_score(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        risk_score = _parse_risk_score(d.pop("risk_score"))

        def _parse_grade(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        grade = _parse_grade(d.pop("grade"))

        evidence = []
        _evidence = d.pop("evidence")
        for evidence_item_data in _evidence:
            evidence_item = EvidenceResponse.from_dict(evidence_item_data)

            evidence.append(evidence_item)

        def _parse_provider_reference(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        provider_reference = _parse_provider_reference(d.pop("provider_reference"))

        def _parse_vendor(data: object) -> None | VendorScoreResponse:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                vendor_type_0 = VendorScoreResponse.from_dict(data)

                return vendor_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(None | VendorScoreResponse, data)

        vendor = _parse_vendor(d.pop("vendor"))

        opinion_response = cls(
            provider=provider,
            reason=reason,
            risk_score=risk_score,
            grade=grade,
            evidence=evidence,
            provider_reference=provider_reference,
            vendor=vendor,
        )

        opinion_response.additional_properties = d
        return opinion_response

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
