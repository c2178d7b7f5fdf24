from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, BinaryIO, TextIO, TYPE_CHECKING, Generator

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

from typing import cast


T = TypeVar("T", bound="SourceResponse")


@_attrs_define
class SourceResponse:
    """One list that was asked.

    Attributes:
        name (str):
        issued (None | str): Its date, if known
        sha256 (str):
        entries (int):
        version (int | None): Its version here, from 1; null for the built-in sample
        is_sanctions (bool | None): Whether it is a sanctions list; false: a tag pack; null in an answer of an earlier
            version
    """

    name: str
    issued: None | str
    sha256: str
    entries: int
    version: int | None
    is_sanctions: bool | None
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        name = self.name

        issued: None | str
        issued = self.issued

        sha256 = self.sha256

        entries = self.entries

        version: int | None
        version = self.version

        is_sanctions: bool | None
        is_sanctions = self.is_sanctions

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "name": name,
                "issued": issued,
                "sha256": sha256,
                "entries": entries,
                "version": version,
                "is_sanctions": is_sanctions,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        name = d.pop("name")

        def _parse_issued(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        issued = _parse_issued(d.pop("issued"))

        sha256 = d.pop("sha256")

        entries = d.pop("entries")

        def _parse_version(data: object) -> int | None:
            if data is None:
                return data
            return cast(int | None, data)

        version = _parse_version(d.pop("version"))

        def _parse_is_sanctions(data: object) -> bool | None:
            if data is None:
                return data
            return cast(bool | None, data)

        is_sanctions = _parse_is_sanctions(d.pop("is_sanctions"))

        source_response = cls(
            name=name,
            issued=issued,
            sha256=sha256,
            entries=entries,
            version=version,
            is_sanctions=is_sanctions,
        )

        source_response.additional_properties = d
        return source_response

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
