from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, BinaryIO, TextIO, TYPE_CHECKING, Generator

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

from typing import cast


T = TypeVar("T", bound="CheckAssessmentListRequest")


@_attrs_define
class CheckAssessmentListRequest:
    """Assessments to be looked up.

    Attributes:
        access_code (str):
        assessment_id_list (list[str]): At most 1,000 ids
    """

    access_code: str
    assessment_id_list: list[str]
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        access_code = self.access_code

        assessment_id_list = self.assessment_id_list

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "access_code": access_code,
                "assessment_id_list": assessment_id_list,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        access_code = d.pop("access_code")

        assessment_id_list = cast(list[str], d.pop("assessment_id_list"))

        check_assessment_list_request = cls(
            access_code=access_code,
            assessment_id_list=assessment_id_list,
        )

        check_assessment_list_request.additional_properties = d
        return check_assessment_list_request

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
