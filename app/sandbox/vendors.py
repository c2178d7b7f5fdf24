"""What the risk vendors remember: who they are, what they were asked, how they are told to be.

Kept in memory alone: a sandbox that starts again has been asked nothing.
"""

from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import Final

# An address of the built-in sample of OFAC's list.
LISTED: Final = "149w62rY42aZBox8fGcmqNsXUzSStKeq8C"


class Vendor(StrEnum):
    """The vendors, by the path that each is served under."""

    CRYSTAL = "crystal"
    CHAINALYSIS = "chainalysis"


class CrystalEndpoint(StrEnum):
    """What Crystal answers."""

    TX_ADD = "tx_add"
    BATCH_TXS = "batch_txs"


class ChainalysisEndpoint(StrEnum):
    """What Chainalysis answers."""

    SANCTIONS = "sanctions"


@dataclass
class Transfer:
    """A question to Crystal: all its members as they are answered once it is ready.

    It is pending for as many more looks as `pending_looks`.
    """

    members: dict[str, object]
    pending_looks: int


@dataclass
class CrystalState:
    """What Crystal has been asked, oldest first, and how it answers from now on.

    `pending_looks`: of each new question. `numbered`: ids are whole numbers. `signals` and
    `riskscore`: in place of the usual ones. `refuse`: an error code for every new question.
    """

    transfers: list[Transfer] = field(default_factory=list)
    calls_left: int = 5_000
    calls_used: int = 0
    pending_looks: int = 0
    numbered: bool = False
    signals: dict[str, Decimal] | None = None
    riskscore: Decimal | None = None
    refuse: int | None = None


@dataclass
class Vendors:
    """Both vendors; `listed`: the addresses that Chainalysis knows."""

    crystal: CrystalState = field(default_factory=CrystalState)
    listed: set[str] = field(default_factory=lambda: {LISTED})
