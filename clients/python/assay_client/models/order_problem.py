from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, BinaryIO, TextIO, TYPE_CHECKING, Generator

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset


T = TypeVar("T", bound="OrderProblem")


@_attrs_define
class OrderProblem:
    """An unhandled fault of `new_order`: its text stands under `error`.

    Attributes:
        code (str): For a program: what is wrong. The answers of each operation list theirs. One of: `4J9Y1`, `4W9Y2`,
            `KY53D`, `access_code_mismatch`, `access_code_not_found`, `address_not_allowed`, `api_key_not_active`,
            `assessment_not_ready`, `body_timeout`, `body_too_large`, `busy`, `buyer_only`, `client_reference_taken`,
            `database_away`, `database_read_only`, `email_taken`, `head_timeout`, `head_too_large`,
            `idempotency_key_in_flight`, `idempotency_key_reused`, `idempotency_key_sealed`, `insufficient_credits`,
            `internal_fault`, `invalid_access_code`, `invalid_api_key`, `invalid_order_id`, `invalid_parameter`,
            `lists_not_in_force`, `malformed_body`, `malformed_request`, `method_not_allowed`, `missing_parameter`,
            `missing_scope`, `no_assessments_found`, `not_found`, `not_logged_in`, `order_fault`, `order_not_cancellable`,
            `order_not_created`, `read_only_key`, `registration_closed`, `rotation_not_allowed`, `too_many_attempts`,
            `too_many_open_orders`, `too_many_streams`, `too_many_webhook_endpoints`, `unknown_query_parameter`,
            `unsupported_media_type`, `upstream_unknown`, `user_not_identified`, `users_only`, `webhook_endpoint_disabled`,
            `wrong_password`. More may come: handle one that you do not know by its HTTP status (docs/versioning.md).
        request_id (str): The X-Request-ID of this answer: name it to support
        error (str): For a person: what is wrong
    """

    code: str
    request_id: str
    error: str
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        code = self.code

        request_id = self.request_id

        error = self.error

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "code": code,
                "request_id": request_id,
                "error": error,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        code = d.pop("code")

        request_id = d.pop("request_id")

        error = d.pop("error")

        order_problem = cls(
            code=code,
            request_id=request_id,
            error=error,
        )

        order_problem.additional_properties = d
        return order_problem

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
