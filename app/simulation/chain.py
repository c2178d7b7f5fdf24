"""A model of the chain: blocks, a mempool, replacements, double spends and reorganisations.

Where each transaction was, and when, is kept as a path, so that a server may be behind and so that
the checks after a day may look at any moment. It shares nothing with the code that asks it.
"""

import asyncio
import random
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final

_FIRST_HEIGHT: Final = 800_000
_BETWEEN_BLOCKS_SECONDS: Final = 600.0
# What miners write as the time of a block is off by so much.
_MINERS_CLOCK_SECONDS: Final = 300.0
_DAY_SECONDS: Final = 86_400.0
_TAKEN_SHARE: Final = 0.75
_REORGANISED_SHARE: Final = 1 / 15
_DEPTHS: Final = {1: 8, 2: 5, 3: 3, 4: 2, 5: 1, 6: 1}
_STRANGER: Final = "1BoatSLRHtKNngkdXEeobR76b53LETtpyT"


class Waiting(StrEnum):
    """Where a transaction is that is in no block."""

    IN_MEMPOOL = "in_mempool"
    GONE = "gone"  # replaced, double-spent, or dropped by a reorganisation


class Fate(StrEnum):
    """What becomes of a transaction whose block is reorganised away."""

    MINED_AGAIN = "mined_again"
    RETURNED = "returned"  # to the mempool
    DROPPED = "dropped"  # its coins were spent elsewhere on the new branch


_FATES: Final = {Fate.MINED_AGAIN: 6, Fate.RETURNED: 3, Fate.DROPPED: 2}


@dataclass(frozen=True)
class Mined:
    """A block; `time` is what its miner wrote."""

    height: int
    hash: str
    time: datetime


Place = Mined | Waiting


@dataclass
class Coin:
    """A transaction that pays an address of ours once: moments and places are its path."""

    txid: str
    address: str
    value_satoshi: int
    replaceable: bool
    outputs: tuple[tuple[str, int], ...]
    path: list[tuple[float, Place]] = field(default_factory=list)

    def place(self, moment: float) -> Place:
        """Return where it was at a moment."""
        for since, place in reversed(self.path):
            if since <= moment:
                return place
        return Waiting.GONE


class ModelChain:
    """The chain as it truly is. `utc` turns a moment into the time that blocks are stamped with."""

    def __init__(
        self,
        source: random.Random,
        utc: Callable[[float], datetime],
        notice: Callable[[str], None],
    ) -> None:
        self._random = source
        self._utc = utc
        self._notice = notice
        self._blocks: list[tuple[Mined, list[Coin]]] = []
        self._mempool: dict[str, Coin] = {}
        self._paying: dict[str, list[Coin]] = {}
        self._heights: list[int] = []
        self._changes: list[float] = []
        self.counts: Counter[str] = Counter()
        for _ in _DEPTHS:
            self._append([], 0.0)
        self._changed(0.0)

    async def live(self, calm_after: float) -> None:
        """Mine blocks for ever; reorganise until a moment."""
        loop, draw = asyncio.get_running_loop(), self._random
        while True:
            await asyncio.sleep(draw.expovariate(1 / _BETWEEN_BLOCKS_SECONDS))
            if loop.time() < calm_after and draw.random() < _REORGANISED_SHARE:
                depth = draw.choices(list(_DEPTHS), list(_DEPTHS.values()))[0]
                self.reorganise(depth, loop.time())
            else:
                self.mine(loop.time())

    # What those who pay do

    def pay(self, address: str, satoshi: int, now: float, *, replaceable: bool) -> Coin:
        """Send so much to an address, with change for the sender."""
        outputs = [(address, satoshi), (_STRANGER, 5_000)]
        self._random.shuffle(outputs)
        coin = Coin(self._id(), address, satoshi, replaceable, tuple(outputs))
        self._paying.setdefault(address, []).append(coin)
        self._put(coin, Waiting.IN_MEMPOOL, now)
        return coin

    def lay(self, address: str, satoshi: int, source: random.Random) -> None:
        """Let an address hold money since the day before, in a block that is never replaced."""
        txid, block_hash = (f"{source.getrandbits(256):064x}" for _ in range(2))
        outputs = ((address, satoshi),)
        coin = Coin(txid, address, satoshi, replaceable=False, outputs=outputs)
        self._paying.setdefault(address, []).append(coin)
        block = Mined(_FIRST_HEIGHT - 144, block_hash, self._utc(-_DAY_SECONDS))
        coin.path.append((-_DAY_SECONDS, block))
        self.counts["addresses that held money"] += 1

    def bump(self, coin: Coin, now: float) -> None:
        """Replace a transaction by one that pays the same and a higher fee, if it still waits."""
        if self.take_back(coin, now):
            self.pay(coin.address, coin.value_satoshi, now, replaceable=coin.replaceable)
            self.counts["payments bumped"] += 1

    def take_back(self, coin: Coin, now: float) -> bool:
        """Replace or double-spend a transaction by one that pays elsewhere, if it still waits."""
        if coin.txid not in self._mempool:
            return False
        self.counts["payments taken back"] += 1
        self._put(coin, Waiting.GONE, now)
        return True

    # What miners do

    def mine(self, now: float) -> None:
        """Add a block with most of what waits."""
        taken = [coin for coin in self._mempool.values() if self._random.random() < _TAKEN_SHARE]
        self._append(taken, now)
        self._changed(now)

    def reorganise(self, depth: int, now: float) -> None:
        """Replace the last blocks by one more than they were."""
        lost = [coin for _, coins in self._blocks[-depth:] for coin in coins]
        del self._blocks[-depth:]
        self.counts["reorganisations"] += 1
        self.counts[f"reorganisations of depth {depth}"] += 1
        branch: list[list[Coin]] = [[] for _ in range(depth + 1)]
        for coin in lost:
            fate = self._random.choices(list(_FATES), list(_FATES.values()))[0]
            self.counts[f"payments {fate}"] += 1
            if fate is Fate.MINED_AGAIN:
                self._random.choice(branch).append(coin)
            else:
                self._put(coin, Waiting.GONE if fate is Fate.DROPPED else Waiting.IN_MEMPOOL, now)
        for coins in branch:
            self._append(coins, now)
        self._changed(now)

    # What anybody may see

    def paying(self, address: str) -> list[Coin]:
        """Return all that ever paid an address, whatever became of it."""
        return self._paying.get(address, [])

    def height(self, moment: float) -> int:
        """Return the height of the last block at a moment."""
        return self._heights[bisect_right(self._changes, moment) - 1]

    def confirmations(self, coin: Coin, moment: float) -> int:
        """Count the blocks from a transaction's own to the last one at a moment."""
        place = coin.place(moment)
        return self.height(moment) - place.height + 1 if isinstance(place, Mined) else 0

    def changes_between(self, begin: float, end: float) -> list[float]:
        """Return the moments at which blocks came or went, after `begin` and up to `end`."""
        first, last = (bisect_right(self._changes, moment) for moment in (begin, end))
        return self._changes[first:last]

    def _append(self, coins: list[Coin], now: float) -> None:
        height = self._blocks[-1][0].height + 1 if self._blocks else _FIRST_HEIGHT
        stamp = now + self._random.uniform(-_MINERS_CLOCK_SECONDS, _MINERS_CLOCK_SECONDS)
        block = Mined(height, self._id(), self._utc(stamp).replace(microsecond=0))
        self._blocks.append((block, coins))
        for coin in coins:
            self._put(coin, block, now)

    def _put(self, coin: Coin, place: Place, now: float) -> None:
        coin.path.append((now, place))
        if place is Waiting.IN_MEMPOOL:
            self._mempool[coin.txid] = coin
        else:
            self._mempool.pop(coin.txid, None)
        where = place.height if isinstance(place, Mined) else place
        self._notice(f"{now:.6f} {coin.txid} {where}")

    def _changed(self, now: float) -> None:
        self._changes.append(now)
        self._heights.append(self._blocks[-1][0].height)

    def _id(self) -> str:
        return f"{self._random.getrandbits(256):064x}"
