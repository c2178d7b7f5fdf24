from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, BinaryIO, TextIO, TYPE_CHECKING, Generator

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

from ..models.account_type import AccountType
from ..models.activity import Activity
from typing import cast
import datetime


T = TypeVar("T", bound="SelfStatusResponse")


@_attrs_define
class SelfStatusResponse:
    """The caller's own account; what belongs to the other kind of account is null.

    Attributes:
        id (str):
        type_ (AccountType): The two kinds of account, as the credits API names them. No value is added within this
            version.
        status (Activity): Whether an account may act; an expired access code is inactive. No value is added within this
            version.
        credits_available (int):
        created_at (datetime.datetime):
        email (None | str):
        affiliate_code (None | str):
        access_code (None | str):
        expires_at (datetime.datetime | None):
        affiliate_origin (None | str): The affiliate code of the user that issued the access code
    """

    id: str
    type_: AccountType
    status: Activity
    credits_available: int
    created_at: datetime.datetime
    email: None | str
    affiliate_code: None | str
    access_code: None | str
    expires_at: datetime.datetime | None
    affiliate_origin: None | str
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        id = self.id

        type_ = self.type_.value

        status = self.status.value

        credits_available = self.credits_available

        created_at = self.created_at.isoformat()

        email: None | str
        email = self.email

        affiliate_code: None | str
        affiliate_code = self.affiliate_code

        access_code: None | str
        access_code = self.access_code

        expires_at: None | str
        if isinstance(self.expires_at, datetime.datetime):
            expires_at = self.expires_at.isoformat()
        else:
            expires_at = self.expires_at

        affiliate_origin: None | str
        affiliate_origin = self.affiliate_origin

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "id": id,
                "type": type_,
                "status": status,
                "credits_available": credits_available,
                "created_at": created_at,
                "email": email,
                "affiliate_code": affiliate_code,
                "access_code": access_code,
                "expires_at": expires_at,
                "affiliate_origin": affiliate_origin,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        id = d.pop("id")

        type_ = AccountType(d.pop("type"))

        status = Activity(d.pop("status"))

        credits_available = d.pop("credits_available")

        created_at = datetime.datetime.fromisoformat(d.pop("created_at"))

        def _parse_email(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        email = _parse_email(d.pop("email"))

        def _parse_affiliate_code(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        affiliate_code = _parse_affiliate_code(d.pop("affiliate_code"))

        def _parse_access_code(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        access_code = _parse_access_code(d.pop("access_code"))

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

        def _parse_affiliate_origin(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        affiliate_origin = _parse_affiliate_origin(d.pop("affiliate_origin"))

        self_status_response = cls(
            id=id,
            type_=type_,
            status=status,
            credits_available=credits_available,
            created_at=created_at,
            email=email,
            affiliate_code=affiliate_code,
            access_code=access_code,
            expires_at=expires_at,
            affiliate_origin=affiliate_origin,
        )

        self_status_response.additional_properties = d
        return self_status_response

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
