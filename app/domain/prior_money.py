"""Which outputs were at the address of an order before the order, so that nobody pays with them.

The wallet may have been used before: by another program, or by a database that was lost since.
Pure, for every store.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from app.domain.bitcoin_payments import Arrival

# A block's time is above the median of the eleven before it, about an hour back. What was mined
# earlier than this before an order was there when it was placed, whatever its miner's clock.
MINERS_CLOCK: Final = timedelta(hours=2)


@dataclass(frozen=True, kw_only=True)
class Placed:
    """When an order was placed, and the height of the chain that was known then, if any was.

    `first_look`: nobody has looked at its address since.
    """

    at: datetime
    known_height: int | None
    first_look: bool


@dataclass(frozen=True)
class Earlier:
    """How an output was judged when it was seen earlier."""

    before_order: bool
    block_height: int | None


def came_before(arrival: Arrival, placed: Placed, earlier: Earlier | None) -> bool:
    """Say whether an output was there before the order; what was judged so once, stays so.

    It was if any server has it in a block of a height that was known when the order was placed and
    of a time before the order, or in one that is much older than the order. At the first look, a
    block from before the order is enough. An output in no block is taken for the buyer's: whoever
    checked the address before saw none there.
    """
    if earlier is not None and earlier.before_order:
        return True
    mined_at = min((at for at in (arrival.mined_at, arrival.block_time) if at), default=None)
    older = mined_at is not None and mined_at < placed.at.replace(microsecond=0)
    if mined_at is not None and mined_at < placed.at - MINERS_CLOCK:
        return True
    known = is_known(arrival.block_height, placed.known_height)
    if earlier is not None:
        # It was seen in no block: a block of a known height is old, or it replaced that one.
        return known and older and earlier.block_height is None
    # A known height alone is not enough: a reorganisation mines new money at heights that were known.
    return older and (known or placed.first_look)


def is_known(block_height: int | None, known_height: int | None) -> bool:
    """Say whether a block was known when the order was placed."""
    return block_height is not None and known_height is not None and block_height <= known_height
