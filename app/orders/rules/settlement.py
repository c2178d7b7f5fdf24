"""Whether the chain of blocks bears out AEON.to's word that the bitcoin of an order was sent."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Final

# A claim that is not verified for so long needs a person.
ALARM_AFTER: Final = timedelta(hours=1)


class SettlementFault(StrEnum):
    """Why AEON.to's word is not believed."""

    UNVERIFIED = "settlement_unverified"  # unknown, in no block yet, or no transaction was named
    UNAVAILABLE = "settlement_unavailable"
    DISAGREE = "settlement_disagree"
    WRONG = "settlement_wrong"
    OUTPUT_TAKEN = "settlement_output_taken"  # what pays us is the settlement of other orders


# What waiting does not heal.
NEEDS_OPERATOR: Final = frozenset({SettlementFault.WRONG, SettlementFault.OUTPUT_TAKEN})


@dataclass(frozen=True)
class Verified:
    """The transaction is in a block and pays.

    `txid` is in small letters. `outputs` are the indexes of the outputs each of which alone pays
    the order, the best first. `is_coinbase`: they are new coins.
    """

    txid: str
    outputs: tuple[int, ...]
    confirmations: int
    is_coinbase: bool = False


@dataclass(frozen=True)
class Unverified:
    """The transaction does not settle the order, or not yet; `reason` is for operators."""

    fault: SettlementFault
    reason: str


Settlement = Verified | Unverified

ALL_TAKEN: Final = Unverified(
    SettlementFault.OUTPUT_TAKEN, "each output that pays settled another order"
)
