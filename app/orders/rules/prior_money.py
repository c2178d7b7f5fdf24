"""Which outputs were at the address of an order before the order, so that nobody pays with them.

The wallet may have been used before: by another program, or by a database that was lost since.
Pure, for every store.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from app.partners.esplora.outputs import ReceivedOutput

# A block's time is above the median of the eleven before it, about an hour back. What was mined
# earlier than this before an order was there when it was placed, whatever its miner's clock.
MINERS_CLOCK: Final = timedelta(hours=2)
# By custom six blocks confirm a payment: reorganisations are taken not to reach below them.
_DEEP_BLOCKS: Final = 6


@dataclass(frozen=True, kw_only=True)
class OrderPlacement:
    """When an order was placed, and the height of the chain that was known then, if any was.

    `first_look`: nobody has looked at its address since. `granted`: it has its credits.
    """

    at: datetime
    known_height: int | None
    first_look: bool
    granted: bool

    @property
    def deep_height(self) -> int | None:
        """Return the height up to which no reorganisation reached, if any was known."""
        return None if self.known_height is None else self.known_height - _DEEP_BLOCKS


@dataclass(frozen=True)
class EarlierSighting:
    """What is kept of an output that was seen earlier: how it was judged, its height and times.

    `gone_at` is when the chain no longer showed it.
    """

    before_order: bool
    block_height: int | None
    arrived_at: datetime
    gone_at: datetime | None = None


def came_before(
    arrival: ReceivedOutput, placed: OrderPlacement, earlier: EarlierSighting | None
) -> bool:
    """Say whether an output was there before the order; what was judged so once, stays so.

    A block that is much older than the order is enough. One that is a little older counts as old
    if its height was known when the order was placed, or if it is seen at the first look. One whose
    time is not older is old at the first look if it was known and deep by then: a miner's clock was
    ahead. Near the tip it may be a payment: a reorganisation mines new money at known heights, and
    the first look may come after it. Blocks are those of any server, at any look. An output in no
    block is taken for the buyer's: whoever checked the address before saw none there. What credits
    were granted for is judged no more.
    """
    if earlier is not None and (earlier.before_order or placed.granted):
        return earlier.before_order
    seen_earlier = None if earlier is None else earlier.arrived_at
    times = (arrival.mined_at, arrival.block_time, seen_earlier)
    mined_at = min((at for at in times if at), default=placed.at)
    if mined_at < placed.at - MINERS_CLOCK:
        return True
    placed_at = placed.at.replace(microsecond=0)  # the time of a block has no more
    height = lowest_height(arrival.block_height, None if earlier is None else earlier.block_height)
    older, known = mined_at < placed_at, is_known(height, placed.known_height)
    if earlier is None:
        if older:
            return known or placed.first_look
        return placed.first_look and is_known(height, placed.deep_height)
    # A time before the order is a block's. An earlier version kept it without the height.
    first_seen_old = earlier.block_height is None and earlier.arrived_at < placed_at
    return older and (known or first_seen_old)


def lowest_height(kept: int | None, shown: int | None) -> int | None:
    """Return the lowest height of a block that an output was ever shown in."""
    return min((height for height in (kept, shown) if height is not None), default=None)


def is_known(block_height: int | None, known_height: int | None) -> bool:
    """Say whether a block was known when the order was placed."""
    return block_height is not None and known_height is not None and block_height <= known_height
