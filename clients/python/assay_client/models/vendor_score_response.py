from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, BinaryIO, TextIO, TYPE_CHECKING, Generator

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

from typing import cast

if TYPE_CHECKING:
    from ..models.vendor_score_response_signals import VendorScoreResponseSignals
    from ..models.vendor_score_response_weights import VendorScoreResponseWeights


T = TypeVar("T", bound="VendorScoreResponse")


@_attrs_define
class VendorScoreResponse:
    """What a vendor itself said, untouched.

    Attributes:
        score (str):
        signals (VendorScoreResponseSignals): Its shares by category
        weights (VendorScoreResponseWeights): Its weights by category
    """

    score: str
    signals: VendorScoreResponseSignals
    weights: VendorScoreResponseWeights
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.vendor_score_response_signals import VendorScoreResponseSignals  # noqa: PLC0415
        from ..models.vendor_score_response_weights import VendorScoreResponseWeights  # noqa: PLC0415

        score = self.score

        signals = self.signals.to_dict()

        weights = self.weights.to_dict()

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "score": score,
                "signals": signals,
                "weights": weights,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.vendor_score_response_signals import VendorScoreResponseSignals  # noqa: PLC0415
        from ..models.vendor_score_response_weights import VendorScoreResponseWeights  # noqa: PLC0415

        d = dict(src_dict)
        score = d.pop("score")

        signals = VendorScoreResponseSignals.from_dict(d.pop("signals"))

        weights = VendorScoreResponseWeights.from_dict(d.pop("weights"))

        vendor_score_response = cls(
            score=score,
            signals=signals,
            weights=weights,
        )

        vendor_score_response.additional_properties = d
        return vendor_score_response

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
