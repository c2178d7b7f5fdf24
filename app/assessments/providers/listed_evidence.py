"""Rows of lists and tag packs as evidence: which of several leads, and what each weighs."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Final

from app.assessments.providers.base import Evidence, listed_party
from app.lists.rules.listings import Listing, most_told_first
from app.lists.rules.risk import CATEGORIES, OTHER, weight_of

DIRECT: Final = "Direct: the address"


def direct(listings: Iterable[Listing]) -> list[Evidence]:
    """Return what lists say of the address itself; it counts once, at its worst.

    Two packs that say the same do not make it worse.
    """
    return [
        reason(listing, Decimal(1) if place == 0 else Decimal(0), DIRECT, hops=0)
        for place, listing in enumerate(heaviest_first(listings))
    ]


def heaviest_first(listings: Iterable[Listing]) -> list[Listing]:
    """Return listings of one address: the heaviest category first, then what says most."""
    return sorted(most_told_first(listings), key=lambda listing: -_weight(listing))


def reason(listing: Listing, share: Decimal, who: str, *, hops: int) -> Evidence:
    """Return a row as a reason; `who` begins the sentence that says it."""
    row, version = listing.row, listing.version
    owner = f" of {row.label}" if row.label else ""
    is_said = "is mentioned" if row.is_mention else "is listed"
    return Evidence(
        category=_category(listing),
        source=version.source,
        source_date=row.noted_on or version.issued,
        detail=f"{who} {is_said} in {version.source}: {row.address}{owner}",
        share=share,
        weight=_weight(listing),
        listing=listed_party(listing),
        hops=hops,
    )


def _weight(listing: Listing) -> Decimal:
    """Return what a row weighs: one that its list is not sure of weighs less."""
    return weight_of(_category(listing), listing.row.confidence)


def _category(listing: Listing) -> str:
    return listing.row.category if listing.row.category in CATEGORIES else OTHER
