from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, BinaryIO, TextIO, TYPE_CHECKING, Generator

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset


T = TypeVar("T", bound="PaymentTransaction")


@_attrs_define
class PaymentTransaction:
    """An output of a bitcoin transaction that pays the address of an order.

    Attributes:
        txid (str):
        output_index (int):
        amount (str): In BTC
        confirmations (int):
        gone (bool): The chain no longer shows it: replaced, double-spent or reorganised away
    """

    txid: str
    output_index: int
    amount: str
    confirmations: int
    gone: bool
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        txid = self.txid

        output_index = self.output_index

        amount = self.amount

        confirmations = self.confirmations

        gone = self.gone

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "txid": txid,
                "output_index": output_index,
                "amount": amount,
                "confirmations": confirmations,
                "gone": gone,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        txid = d.pop("txid")

        output_index = d.pop("output_index")

        amount = d.pop("amount")

        confirmations = d.pop("confirmations")

        gone = d.pop("gone")

        payment_transaction = cls(
            txid=txid,
            output_index=output_index,
            amount=amount,
            confirmations=confirmations,
            gone=gone,
        )

        payment_transaction.additional_properties = d
        return payment_transaction

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
