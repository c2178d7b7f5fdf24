from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, BinaryIO, TextIO, TYPE_CHECKING, Generator

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

from typing import cast

if TYPE_CHECKING:
    from ..models.listed_party_response import ListedPartyResponse


T = TypeVar("T", bound="EvidenceResponse")


@_attrs_define
class EvidenceResponse:
    """One reason for the score, or, in the category `scope`, one limit of it.

    Attributes:
        category (str): What evidence is about; `scope` is a limit of the answer, which weighs nothing. One of: `atm`,
            `child_exploitation`, `dark_market`, `dark_service`, `enforcement_action`, `exchange_fraudulent`,
            `exchange_licensed`, `exchange_unlicensed`, `gambling`, `illegal_service`, `liquidity_pools`, `marketplace`,
            `miner`, `mixer`, `other`, `p2p_exchange_licensed`, `p2p_exchange_unlicensed`, `payment`, `ransom`, `sanctions`,
            `scam`, `scope`, `seized_assets`, `stolen_coins`, `terrorism_financing`, `wallet`. More words may come: handle
            one that you do not know (docs/versioning.md).
        source (str):
        detail (str):
        source_date (None | str): The date of the list or tag, if known
        share (str): How much is of this category, 0 to 1
        weight (str): How bad the category is, 0 to 1
        contribution (str): What it adds to the score
        listing (ListedPartyResponse | None): The row of a list, where it is from one
        hops (int | None): 0: about the address itself, 1: about whom it dealt with; null: nobody says
    """

    category: str
    source: str
    detail: str
    source_date: None | str
    share: str
    weight: str
    contribution: str
    listing: ListedPartyResponse | None
    hops: int | None
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.listed_party_response import ListedPartyResponse  # noqa: PLC0415

        category = self.category

        source = self.source

        detail = self.detail

        source_date: None | str
        source_date = self.source_date

        share = self.share

        weight = self.weight

        contribution = self.contribution

        listing: dict[str, Any] | None
        if isinstance(self.listing, ListedPartyResponse):
            listing = self.listing.to_dict()
        else:
            listing = self.listing

        hops: int | None
        hops = self.hops

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "category": category,
                "source": source,
                "detail": detail,
                "source_date": source_date,
                "share": share,
                "weight": weight,
                "contribution": contribution,
                "listing": listing,
                "hops": hops,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.listed_party_response import ListedPartyResponse  # noqa: PLC0415

        d = dict(src_dict)
        category = d.pop("category")

        source = d.pop("source")

        detail = d.pop("detail")

        def _parse_source_date(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        source_date = _parse_source_date(d.pop("source_date"))

        share = d.pop("share")

        weight = d.pop("weight")

        contribution = d.pop("contribution")

        def _parse_listing(data: object) -> ListedPartyResponse | None:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                listing_type_0 = ListedPartyResponse.from_dict(data)

                return listing_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(ListedPartyResponse | None, data)

        listing = _parse_listing(d.pop("listing"))

        def _parse_hops(data: object) -> int | None:
            if data is None:
                return data
            return cast(int | None, data)

        hops = _parse_hops(d.pop("hops"))

        evidence_response = cls(
            category=category,
            source=source,
            detail=detail,
            source_date=source_date,
            share=share,
            weight=weight,
            contribution=contribution,
            listing=listing,
            hops=hops,
        )

        evidence_response.additional_properties = d
        return evidence_response

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
