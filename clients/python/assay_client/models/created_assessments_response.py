from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, BinaryIO, TextIO, TYPE_CHECKING, Generator

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

from typing import cast

if TYPE_CHECKING:
    from ..models.assessment_outcome import AssessmentOutcome


T = TypeVar("T", bound="CreatedAssessmentsResponse")


@_attrs_define
class CreatedAssessmentsResponse:
    """What came of many questions, in their order.

    Attributes:
        outcomes (list[AssessmentOutcome]):
        credits_charged (int): Debited, less what was refunded
        credits_available (int): The balance left
    """

    outcomes: list[AssessmentOutcome]
    credits_charged: int
    credits_available: int
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.assessment_outcome import AssessmentOutcome  # noqa: PLC0415

        outcomes = []
        for outcomes_item_data in self.outcomes:
            outcomes_item = outcomes_item_data.to_dict()
            outcomes.append(outcomes_item)

        credits_charged = self.credits_charged

        credits_available = self.credits_available

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "outcomes": outcomes,
                "credits_charged": credits_charged,
                "credits_available": credits_available,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.assessment_outcome import AssessmentOutcome  # noqa: PLC0415

        d = dict(src_dict)
        outcomes = []
        _outcomes = d.pop("outcomes")
        for outcomes_item_data in _outcomes:
            outcomes_item = AssessmentOutcome.from_dict(outcomes_item_data)

            outcomes.append(outcomes_item)

        credits_charged = d.pop("credits_charged")

        credits_available = d.pop("credits_available")

        created_assessments_response = cls(
            outcomes=outcomes,
            credits_charged=credits_charged,
            credits_available=credits_available,
        )

        created_assessments_response.additional_properties = d
        return created_assessments_response

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
