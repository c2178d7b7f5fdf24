from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, BinaryIO, TextIO, TYPE_CHECKING, Generator

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

from ..models.entry_kind import EntryKind
from typing import cast
import datetime


T = TypeVar("T", bound="LedgerEntryResponse")


@_attrs_define
class LedgerEntryResponse:
    """One movement of credits on one account.

    Attributes:
        kind (EntryKind): Why credits moved. No value is added within this version.
        credits_ (int): Positive: they came; negative: they went
        balance_after (int): What the account had then
        at (datetime.datetime):
        order_id (None | str): Of a purchase
        assessment_id (None | str): Of an assessment or a refund
    """

    kind: EntryKind
    credits_: int
    balance_after: int
    at: datetime.datetime
    order_id: None | str
    assessment_id: None | str
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        kind = self.kind.value

        credits_ = self.credits_

        balance_after = self.balance_after

        at = self.at.isoformat()

        order_id: None | str
        order_id = self.order_id

        assessment_id: None | str
        assessment_id = self.assessment_id

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "kind": kind,
                "credits": credits_,
                "balance_after": balance_after,
                "at": at,
                "order_id": order_id,
                "assessment_id": assessment_id,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        kind = EntryKind(d.pop("kind"))

        credits_ = d.pop("credits")

        balance_after = d.pop("balance_after")

        at = datetime.datetime.fromisoformat(d.pop("at"))

        def _parse_order_id(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        order_id = _parse_order_id(d.pop("order_id"))

        def _parse_assessment_id(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        assessment_id = _parse_assessment_id(d.pop("assessment_id"))

        ledger_entry_response = cls(
            kind=kind,
            credits_=credits_,
            balance_after=balance_after,
            at=at,
            order_id=order_id,
            assessment_id=assessment_id,
        )

        ledger_entry_response.additional_properties = d
        return ledger_entry_response

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
