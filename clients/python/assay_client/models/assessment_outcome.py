from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, BinaryIO, TextIO, TYPE_CHECKING, Generator

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

from typing import cast

if TYPE_CHECKING:
    from ..models.assessment_question_fault import AssessmentQuestionFault
    from ..models.assessment_response import AssessmentResponse


T = TypeVar("T", bound="AssessmentOutcome")


@_attrs_define
class AssessmentOutcome:
    """What came of one question of many: an assessment, or what is wrong with the question.

    Attributes:
        assessment (AssessmentResponse | None):
        charged (bool): Whether a credit was debited for it; of a failed one it was refunded
        error (AssessmentQuestionFault | None):
    """

    assessment: AssessmentResponse | None
    charged: bool
    error: AssessmentQuestionFault | None
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.assessment_question_fault import AssessmentQuestionFault  # noqa: PLC0415
        from ..models.assessment_response import AssessmentResponse  # noqa: PLC0415

        assessment: dict[str, Any] | None
        if isinstance(self.assessment, AssessmentResponse):
            assessment = self.assessment.to_dict()
        else:
            assessment = self.assessment

        charged = self.charged

        error: dict[str, Any] | None
        if isinstance(self.error, AssessmentQuestionFault):
            error = self.error.to_dict()
        else:
            error = self.error

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "assessment": assessment,
                "charged": charged,
                "error": error,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.assessment_question_fault import AssessmentQuestionFault  # noqa: PLC0415
        from ..models.assessment_response import AssessmentResponse  # noqa: PLC0415

        d = dict(src_dict)

        def _parse_assessment(data: object) -> AssessmentResponse | None:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                assessment_type_0 = AssessmentResponse.from_dict(data)

                return assessment_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(AssessmentResponse | None, data)

        assessment = _parse_assessment(d.pop("assessment"))

        charged = d.pop("charged")

        def _parse_error(data: object) -> AssessmentQuestionFault | None:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                error_type_0 = AssessmentQuestionFault.from_dict(data)

                return error_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(AssessmentQuestionFault | None, data)

        error = _parse_error(d.pop("error"))

        assessment_outcome = cls(
            assessment=assessment,
            charged=charged,
            error=error,
        )

        assessment_outcome.additional_properties = d
        return assessment_outcome

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
