from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, BinaryIO, TextIO, TYPE_CHECKING, Generator

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

from typing import cast

if TYPE_CHECKING:
    from ..models.assessment_question import AssessmentQuestion


T = TypeVar("T", bound="CreateAssessmentsRequest")


@_attrs_define
class CreateAssessmentsRequest:
    """Many questions, paid by an access code.

    Attributes:
        access_code (str): The access code that pays
        questions (list[AssessmentQuestion]): At most 500, in the order in which they are answered
    """

    access_code: str
    questions: list[AssessmentQuestion]
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.assessment_question import AssessmentQuestion  # noqa: PLC0415

        access_code = self.access_code

        questions = []
        for questions_item_data in self.questions:
            questions_item = questions_item_data.to_dict()
            questions.append(questions_item)

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "access_code": access_code,
                "questions": questions,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.assessment_question import AssessmentQuestion  # noqa: PLC0415

        d = dict(src_dict)
        access_code = d.pop("access_code")

        questions = []
        _questions = d.pop("questions")
        for questions_item_data in _questions:
            questions_item = AssessmentQuestion.from_dict(questions_item_data)

            questions.append(questions_item)

        create_assessments_request = cls(
            access_code=access_code,
            questions=questions,
        )

        create_assessments_request.additional_properties = d
        return create_assessments_request

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
