from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, BinaryIO, TextIO, TYPE_CHECKING, Generator

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

from typing import cast
import datetime

if TYPE_CHECKING:
    from ..models.changed_entry import ChangedEntry


T = TypeVar("T", bound="ChangeResponse")


@_attrs_define
class ChangeResponse:
    """What a later version of a list changed: it lists the address, or no longer does.

    Attributes:
        source (str):
        version (int):
        issued (None | str): The version's date, if known
        found_at (datetime.datetime):
        is_listed (bool): Whether it lists the address
        score_before (str): What `sanctions`, or else `tags`, said until then
        grade_before (str): A score in a word, from `none` to `severe`; or, where the score is 0 because nothing was
            found, where nothing was. One of: `none`, `low`, `medium`, `high`, `severe`, `no list of such addresses`, `not
            on the lists`, `no tag found`, `no exposure found`, `nothing known`. More words may come: handle one that you do
            not know (docs/versioning.md).
        score_after (str): What it says since
        grade_after (str): A score in a word, from `none` to `severe`; or, where the score is 0 because nothing was
            found, where nothing was. One of: `none`, `low`, `medium`, `high`, `severe`, `no list of such addresses`, `not
            on the lists`, `no tag found`, `no exposure found`, `nothing known`. More words may come: handle one that you do
            not know (docs/versioning.md).
        entries (list[ChangedEntry]): The rows that came, or went
    """

    source: str
    version: int
    issued: None | str
    found_at: datetime.datetime
    is_listed: bool
    score_before: str
    grade_before: str
    score_after: str
    grade_after: str
    entries: list[ChangedEntry]
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.changed_entry import ChangedEntry  # noqa: PLC0415

        source = self.source

        version = self.version

        issued: None | str
        issued = self.issued

        found_at = self.found_at.isoformat()

        is_listed = self.is_listed

        score_before = self.score_before

        grade_before = self.grade_before

        score_after = self.score_after

        grade_after = self.grade_after

        entries = []
        for entries_item_data in self.entries:
            entries_item = entries_item_data.to_dict()
            entries.append(entries_item)

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "source": source,
                "version": version,
                "issued": issued,
                "found_at": found_at,
                "is_listed": is_listed,
                "score_before": score_before,
                "grade_before": grade_before,
                "score_after": score_after,
                "grade_after": grade_after,
                "entries": entries,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.changed_entry import ChangedEntry  # noqa: PLC0415

        d = dict(src_dict)
        source = d.pop("source")

        version = d.pop("version")

        def _parse_issued(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        issued = _parse_issued(d.pop("issued"))

        found_at = datetime.datetime.fromisoformat(d.pop("found_at"))

        is_listed = d.pop("is_listed")

        score_before = d.pop("score_before")

        grade_before = d.pop("grade_before")

        score_after = d.pop("score_after")

        grade_after = d.pop("grade_after")

        entries = []
        _entries = d.pop("entries")
        for entries_item_data in _entries:
            entries_item = ChangedEntry.from_dict(entries_item_data)

            entries.append(entries_item)

        change_response = cls(
            source=source,
            version=version,
            issued=issued,
            found_at=found_at,
            is_listed=is_listed,
            score_before=score_before,
            grade_before=grade_before,
            score_after=score_after,
            grade_after=grade_after,
            entries=entries,
        )

        change_response.additional_properties = d
        return change_response

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
