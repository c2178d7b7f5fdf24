from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, BinaryIO, TextIO, TYPE_CHECKING, Generator

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

from typing import cast


T = TypeVar("T", bound="ChangedEntry")


@_attrs_define
class ChangedEntry:
    """A row that came to a list, or went.

    Attributes:
        address (str):
        asset (str): Under which it was filed
        label (str): Whose it is; may be empty
        reference (str): Where that stands; may be empty
        category (None | str): What it says of the address; this and what follows is null or empty in a change that an
            earlier version found
        aliases (list[str]):
        party_type (None | str):
        list_uid (None | str): The list's own id of the party
        programs (list[str]):
        listed_on (None | str): When the party came to the list
        source_url (None | str): The page that says so, or else where the list is from
    """

    address: str
    asset: str
    label: str
    reference: str
    category: None | str
    aliases: list[str]
    party_type: None | str
    list_uid: None | str
    programs: list[str]
    listed_on: None | str
    source_url: None | str
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        address = self.address

        asset = self.asset

        label = self.label

        reference = self.reference

        category: None | str
        category = self.category

        aliases = self.aliases

        party_type: None | str
        party_type = self.party_type

        list_uid: None | str
        list_uid = self.list_uid

        programs = self.programs

        listed_on: None | str
        listed_on = self.listed_on

        source_url: None | str
        source_url = self.source_url

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "address": address,
                "asset": asset,
                "label": label,
                "reference": reference,
                "category": category,
                "aliases": aliases,
                "party_type": party_type,
                "list_uid": list_uid,
                "programs": programs,
                "listed_on": listed_on,
                "source_url": source_url,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        address = d.pop("address")

        asset = d.pop("asset")

        label = d.pop("label")

        reference = d.pop("reference")

        def _parse_category(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        category = _parse_category(d.pop("category"))

        aliases = cast(list[str], d.pop("aliases"))

        def _parse_party_type(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        party_type = _parse_party_type(d.pop("party_type"))

        def _parse_list_uid(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        list_uid = _parse_list_uid(d.pop("list_uid"))

        programs = cast(list[str], d.pop("programs"))

        def _parse_listed_on(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        listed_on = _parse_listed_on(d.pop("listed_on"))

        def _parse_source_url(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        source_url = _parse_source_url(d.pop("source_url"))

        changed_entry = cls(
            address=address,
            asset=asset,
            label=label,
            reference=reference,
            category=category,
            aliases=aliases,
            party_type=party_type,
            list_uid=list_uid,
            programs=programs,
            listed_on=listed_on,
            source_url=source_url,
        )

        changed_entry.additional_properties = d
        return changed_entry

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
