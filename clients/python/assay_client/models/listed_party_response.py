from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, BinaryIO, TextIO, TYPE_CHECKING, Generator

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

from typing import cast


T = TypeVar("T", bound="ListedPartyResponse")


@_attrs_define
class ListedPartyResponse:
    """The row of a list that evidence is from, with what the list says of the party.

    Attributes:
        address (str): As the list spells it
        asset (str): Under which it is filed
        name (None | str): Whose it is; null if the list does not say
        aliases (list[str]): Other names, in all scripts
        party_type (None | str): individual, entity, vessel or aircraft; null if the list does not say
        list_uid (None | str): The list's own id of the party
        programs (list[str]): The programs under which it is listed
        listed_on (None | str): When the party came to the list; the date of the list is `source_date`
        source_url (None | str): The page that says so, or else where the list is from
    """

    address: str
    asset: str
    name: None | str
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

        name: None | str
        name = self.name

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
                "name": name,
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

        def _parse_name(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        name = _parse_name(d.pop("name"))

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

        listed_party_response = cls(
            address=address,
            asset=asset,
            name=name,
            aliases=aliases,
            party_type=party_type,
            list_uid=list_uid,
            programs=programs,
            listed_on=listed_on,
            source_url=source_url,
        )

        listed_party_response.additional_properties = d
        return listed_party_response

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
