from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, BinaryIO, TextIO, TYPE_CHECKING, Generator

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

from typing import cast

if TYPE_CHECKING:
    from ..models.evidence_response import EvidenceResponse
    from ..models.opinion_response import OpinionResponse
    from ..models.source_response import SourceResponse
    from ..models.vendor_score_response import VendorScoreResponse


T = TypeVar("T", bound="AnswerResponse")


@_attrs_define
class AnswerResponse:
    """What the provider said; of several, the one with the highest score.

    Attributes:
        risk_score (str): From 0, no risk known, to 1, prohibited: the sum of what the evidence contributes; no
            probability
        grade (str): A score in a word, from `none` to `severe`; or, where the score is 0 because nothing was found,
            where nothing was. One of: `none`, `low`, `medium`, `high`, `severe`, `no list of such addresses`, `not on the
            lists`, `no tag found`, `no exposure found`, `nothing known`. More words may come: handle one that you do not
            know (docs/versioning.md).
        address_form (str): What the text of an address shows by itself. One of: `valid`, `invalid`, `not_checkable`,
            `not_checked`. More words may come: handle one that you do not know (docs/versioning.md).
        evidence (list[EvidenceResponse]):
        sources (list[SourceResponse]):
        provider_reference (None | str): Under what the provider knows it
        vendor (None | VendorScoreResponse): The vendor's own score, where a vendor was asked
        opinions (list[OpinionResponse]): Where several providers were asked, what each said
        disagreement (bool): Whether their scores are of different grades
        looked_up (None | str): The one spelling of the address by which lists were searched; null where none was, and
            in an answer of an earlier version
        ruleset (None | str): By which rules the score was put together
        summary (None | str): The answer in one sentence, as the receipt has it; null for an answer of an earlier
            version
    """

    risk_score: str
    grade: str
    address_form: str
    evidence: list[EvidenceResponse]
    sources: list[SourceResponse]
    provider_reference: None | str
    vendor: None | VendorScoreResponse
    opinions: list[OpinionResponse]
    disagreement: bool
    looked_up: None | str
    ruleset: None | str
    summary: None | str
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.evidence_response import EvidenceResponse  # noqa: PLC0415
        from ..models.opinion_response import OpinionResponse  # noqa: PLC0415
        from ..models.source_response import SourceResponse  # noqa: PLC0415
        from ..models.vendor_score_response import VendorScoreResponse  # noqa: PLC0415

        risk_score = self.risk_score

        grade = self.grade

        address_form = self.address_form

        evidence = []
        for evidence_item_data in self.evidence:
            evidence_item = evidence_item_data.to_dict()
            evidence.append(evidence_item)

        sources = []
        for sources_item_data in self.sources:
            sources_item = sources_item_data.to_dict()
            sources.append(sources_item)

        provider_reference: None | str
        provider_reference = self.provider_reference

        vendor: dict[str, Any] | None
        if isinstance(self.vendor, VendorScoreResponse):
            vendor = self.vendor.to_dict()
        else:
            vendor = self.vendor

        opinions = []
        for opinions_item_data in self.opinions:
            opinions_item = opinions_item_data.to_dict()
            opinions.append(opinions_item)

        disagreement = self.disagreement

        looked_up: None | str
        looked_up = self.looked_up

        ruleset: None | str
        ruleset = self.ruleset

        summary: None | str
        summary = self.summary

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "risk_score": risk_score,
                "grade": grade,
                "address_form": address_form,
                "evidence": evidence,
                "sources": sources,
                "provider_reference": provider_reference,
                "vendor": vendor,
                "opinions": opinions,
                "disagreement": disagreement,
                "looked_up": looked_up,
                "ruleset": ruleset,
                "summary": summary,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.evidence_response import EvidenceResponse  # noqa: PLC0415
        from ..models.opinion_response import OpinionResponse  # noqa: PLC0415
        from ..models.source_response import SourceResponse  # noqa: PLC0415
        from ..models.vendor_score_response import VendorScoreResponse  # noqa: PLC0415

        d = dict(src_dict)
        risk_score = d.pop("risk_score")

        grade = d.pop("grade")

        address_form = d.pop("address_form")

        evidence = []
        _evidence = d.pop("evidence")
        for evidence_item_data in _evidence:
            evidence_item = EvidenceResponse.from_dict(evidence_item_data)

            evidence.append(evidence_item)

        sources = []
        _sources = d.pop("sources")
        for sources_item_data in _sources:
            sources_item = SourceResponse.from_dict(sources_item_data)

            sources.append(sources_item)

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

        opinions = []
        _opinions = d.pop("opinions")
        for opinions_item_data in _opinions:
            opinions_item = OpinionResponse.from_dict(opinions_item_data)

            opinions.append(opinions_item)

        disagreement = d.pop("disagreement")

        def _parse_looked_up(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        looked_up = _parse_looked_up(d.pop("looked_up"))

        def _parse_ruleset(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        ruleset = _parse_ruleset(d.pop("ruleset"))

        def _parse_summary(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        summary = _parse_summary(d.pop("summary"))

        answer_response = cls(
            risk_score=risk_score,
            grade=grade,
            address_form=address_form,
            evidence=evidence,
            sources=sources,
            provider_reference=provider_reference,
            vendor=vendor,
            opinions=opinions,
            disagreement=disagreement,
            looked_up=looked_up,
            ruleset=ruleset,
            summary=summary,
        )

        answer_response.additional_properties = d
        return answer_response

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
