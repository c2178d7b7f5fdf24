from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, BinaryIO, TextIO, TYPE_CHECKING, Generator

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

from ..models.activity import Activity
from typing import cast
import datetime


T = TypeVar("T", bound="AccessCodeResponse")


@_attrs_define
class AccessCodeResponse:
    """An access code, as its owner and its issuer see it.

    Attributes:
        access_code (str):
        status (Activity): Whether an account may act; an expired access code is inactive. No value is added within this
            version.
        created_at (datetime.datetime):
        expires_at (datetime.datetime | None): Null: never
        affiliate_origin (str): The affiliate code of the user that issued it
        credits_available (int):
    """

    access_code: str
    status: Activity
    created_at: datetime.datetime
    expires_at: datetime.datetime | None
    affiliate_origin: str
    credits_available: int
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        access_code = self.access_code

        status = self.status.value

        created_at = self.created_at.isoformat()

        expires_at: None | str
        if isinstance(self.expires_at, datetime.datetime):
            expires_at = self.expires_at.isoformat()
        else:
            expires_at = self.expires_at

        affiliate_origin = self.affiliate_origin

        credits_available = self.credits_available

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "access_code": access_code,
                "status": status,
                "created_at": created_at,
                "expires_at": expires_at,
                "affiliate_origin": affiliate_origin,
                "credits_available": credits_available,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        access_code = d.pop("access_code")

        status = Activity(d.pop("status"))

        created_at = datetime.datetime.fromisoformat(d.pop("created_at"))

        def _parse_expires_at(data: object) -> datetime.datetime | None:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                expires_at_type_0 = datetime.datetime.fromisoformat(data)

                return expires_at_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None, data)

        expires_at = _parse_expires_at(d.pop("expires_at"))

        affiliate_origin = d.pop("affiliate_origin")

        credits_available = d.pop("credits_available")

        access_code_response = cls(
            access_code=access_code,
            status=status,
            created_at=created_at,
            expires_at=expires_at,
            affiliate_origin=affiliate_origin,
            credits_available=credits_available,
        )

        access_code_response.additional_properties = d
        return access_code_response

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
