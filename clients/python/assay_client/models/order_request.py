from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, BinaryIO, TextIO, TYPE_CHECKING, Generator

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

from ..types import UNSET, Unset
from typing import cast

if TYPE_CHECKING:
    from ..models.order_request_metadata_type_0 import OrderRequestMetadataType0


T = TypeVar("T", bound="OrderRequest")


@_attrs_define
class OrderRequest:
    """A purchase of credits, for oneself or for an access code.

    Attributes:
        number_of_credits (int): How many credits to buy
        payment_coin (str): The coin to pay with
        payment_network (str): The network of the coin
        order_is_for_self (bool): Whether the credits are for the caller; if false, `access_code` says for whom
        access_code (None | str | Unset): Who gets the credits, if not the caller
        client_reference (None | str | Unset): What the caller calls it: at most 128 characters. Shown wherever it is
            shown, and lists can be searched for it
        metadata (None | OrderRequestMetadataType0 | Unset): Up to 20 short strings of the caller's own, shown wherever
            it is shown: names of at most 40 characters, values of at most 500
        unique_reference (bool | Unset): Refuse the order with 409 if the buyer has another with this `client_reference`
            that was to be unique, too, whatever became of that one. Without it: `false`
    """

    number_of_credits: int
    payment_coin: str
    payment_network: str
    order_is_for_self: bool
    access_code: None | str | Unset = UNSET
    client_reference: None | str | Unset = UNSET
    metadata: None | OrderRequestMetadataType0 | Unset = UNSET
    unique_reference: bool | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.order_request_metadata_type_0 import OrderRequestMetadataType0  # noqa: PLC0415

        number_of_credits = self.number_of_credits

        payment_coin = self.payment_coin

        payment_network = self.payment_network

        order_is_for_self = self.order_is_for_self

        access_code: None | str | Unset
        if isinstance(self.access_code, Unset):
            access_code = UNSET
        else:
            access_code = self.access_code

        client_reference: None | str | Unset
        if isinstance(self.client_reference, Unset):
            client_reference = UNSET
        else:
            client_reference = self.client_reference

        metadata: dict[str, Any] | None | Unset
        if isinstance(self.metadata, Unset):
            metadata = UNSET
        elif isinstance(self.metadata, OrderRequestMetadataType0):
            metadata = self.metadata.to_dict()
        else:
            metadata = self.metadata

        unique_reference = self.unique_reference

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "number_of_credits": number_of_credits,
                "payment_coin": payment_coin,
                "payment_network": payment_network,
                "order_is_for_self": order_is_for_self,
            }
        )
        if access_code is not UNSET:
            field_dict["access_code"] = access_code
        if client_reference is not UNSET:
            field_dict["client_reference"] = client_reference
        if metadata is not UNSET:
            field_dict["metadata"] = metadata
        if unique_reference is not UNSET:
            field_dict["unique_reference"] = unique_reference

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.order_request_metadata_type_0 import OrderRequestMetadataType0  # noqa: PLC0415

        d = dict(src_dict)
        number_of_credits = d.pop("number_of_credits")

        payment_coin = d.pop("payment_coin")

        payment_network = d.pop("payment_network")

        order_is_for_self = d.pop("order_is_for_self")

        def _parse_access_code(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        access_code = _parse_access_code(d.pop("access_code", UNSET))

        def _parse_client_reference(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        client_reference = _parse_client_reference(d.pop("client_reference", UNSET))

        def _parse_metadata(data: object) -> None | OrderRequestMetadataType0 | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                metadata_type_0 = OrderRequestMetadataType0.from_dict(data)

                return metadata_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(None | OrderRequestMetadataType0 | Unset, data)

        metadata = _parse_metadata(d.pop("metadata", UNSET))

        unique_reference = d.pop("unique_reference", UNSET)

        order_request = cls(
            number_of_credits=number_of_credits,
            payment_coin=payment_coin,
            payment_network=payment_network,
            order_is_for_self=order_is_for_self,
            access_code=access_code,
            client_reference=client_reference,
            metadata=metadata,
            unique_reference=unique_reference,
        )

        order_request.additional_properties = d
        return order_request

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
