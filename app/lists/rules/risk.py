"""How a risk is put together: the categories with their weights, the sum, and its grade.

A score is nothing but the sum of what its parts contribute: each part is a share (how much of what
was looked at is of this kind, 0 to 1) times the weight of its category (how bad that is, 0 to 1).
"""

from collections.abc import Mapping, Sequence
from decimal import ROUND_HALF_EVEN, Decimal
from types import MappingProxyType
from typing import Final

# The rules below, by the day on which they last changed: an answer says by which it was made.
RULESET: Final = "2026-11-28"

# Limits of an answer, which say something and weigh nothing.
SCOPE: Final = "scope"
SANCTIONS: Final = "sanctions"
OTHER: Final = "other"

# The categories of Crystal's default profile, whose words others use too, and their weights there.
CATEGORIES: Final[Mapping[str, Decimal]] = MappingProxyType(
    {
        name: Decimal(weight)
        for weight, names in (
            (
                "1",
                (
                    "child_exploitation",
                    "dark_market",
                    "dark_service",
                    "exchange_fraudulent",
                    "illegal_service",
                    "mixer",
                    "ransom",
                    SANCTIONS,
                    "scam",
                    "stolen_coins",
                    "terrorism_financing",
                ),
            ),
            ("0.75", ("enforcement_action", "gambling")),
            ("0.6", ("exchange_unlicensed", "p2p_exchange_unlicensed")),
            ("0.5", ("atm", "liquidity_pools")),
            ("0.25", (OTHER, "wallet")),
            ("0.1", ("exchange_licensed", "p2p_exchange_licensed")),
            ("0", ("marketplace", "miner", "payment", "seized_assets", SCOPE)),
        )
        for name in names
    }
)

# From this confidence on, in percent, a tag counts in full; below, by its part of this. It is what
# GraphSense gives to trusted third parties.
_SURE: Final = Decimal(50)

NO_RISK: Final = "none"
# Instead of "not found" where no list in force has an address of the kind that was asked about.
NOT_COVERED: Final = "no list of such addresses"
# A grade reaches up to this score, itself excluded; the last one reaches to 1.
_GRADES: Final = (
    (Decimal("0.25"), "low"),
    (Decimal("0.5"), "medium"),
    (Decimal("0.75"), "high"),
)
_WORST: Final = "severe"
# What `grade_of` may say, from the best to the worst.
GRADES: Final = (NO_RISK, *(grade for _, grade in _GRADES), _WORST)

# Shares and weights have so many decimals at most, so that every sum of products is exact.
PLACES: Final = 6
_QUANTUM: Final = Decimal(1).scaleb(-PLACES)


def to_share(value: Decimal) -> Decimal:
    """Round a share or a weight to PLACES decimals. Raises ValueError unless it is 0 to 1."""
    if not (value.is_finite() and 0 <= value <= 1):
        raise ValueError("a share or a weight is from 0 to 1")
    return value.quantize(_QUANTUM, ROUND_HALF_EVEN).normalize()


def weight_of(category: str, confidence: int | None = None) -> Decimal:
    """Return what a category weighs where it is so sure, in percent; None: nothing is said."""
    weight = CATEGORIES.get(category, CATEGORIES[OTHER])
    if confidence is None or confidence >= _SURE:
        return weight
    return to_share(weight * confidence / _SURE)


def weigh(items: Sequence[tuple[Decimal, Decimal]]) -> tuple[Decimal, ...]:
    """Return what each (share, weight) contributes, in the given order; their sum is the score.

    No sum exceeds 1: what comes later contributes no more than is left. Raises ValueError for a
    share or a weight that is not 0 to 1, or has more than PLACES decimals.
    """
    contributions = []
    left = Decimal(1)
    for share, weight in items:
        if to_share(share) != share or to_share(weight) != weight:
            raise ValueError(f"a share or a weight has more than {PLACES} decimals")
        contributions.append(min(share * weight, left))
        left -= contributions[-1]
    return tuple(contributions)


def grade_of(score: Decimal) -> str:
    """Name a score: only 0 is no risk. Raises ValueError unless it is 0 to 1."""
    if not 0 <= score <= 1:
        raise ValueError("a score is from 0 to 1")
    if not score:
        return NO_RISK
    return next((grade for end, grade in _GRADES if score < end), _WORST)
