"""How buyers pay in bitcoin, each in a way of its own."""

import asyncio
import random
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from app.simulation.chain import Coin, ModelChain
from app.simulation.offers import WALLET

# Somebody who takes a payment back or raises its fee waits so long, in seconds.
_SECOND_THOUGHT: Final = (5.0, 900.0)
_HELD_MONEY_SHARE: Final = 0.1
_DUST_SATOSHI: Final = 100


class BitcoinPayer(StrEnum):
    """What the buyer of an order does about paying it."""

    EXACTLY = "exactly"
    IN_SEVERAL = "in_several"
    IN_PART = "in_part"
    MORE = "more"
    TWICE = "twice"  # the whole amount again, later
    LATE = "late"
    BUMPED = "bumped"  # replaced by the same with a higher fee
    TAKEN_BACK = "taken_back"  # replaced by one that pays elsewhere
    DOUBLE_SPENT = "double_spent"  # the same, though nothing had announced it
    DUST = "dust"
    NEVER = "never_in_bitcoin"


WEIGHTS: Final = {
    BitcoinPayer.EXACTLY: 20,
    BitcoinPayer.IN_SEVERAL: 10,
    BitcoinPayer.IN_PART: 6,
    BitcoinPayer.MORE: 8,
    BitcoinPayer.TWICE: 3,
    BitcoinPayer.LATE: 12,
    BitcoinPayer.BUMPED: 8,
    BitcoinPayer.TAKEN_BACK: 5,
    BitcoinPayer.DOUBLE_SPENT: 4,
    BitcoinPayer.DUST: 2,
    BitcoinPayer.NEVER: 10,
}


@dataclass(frozen=True)
class PaymentRequest:
    """What a buyer is asked for, and for how many seconds."""

    address: str
    satoshi: int
    window_seconds: float


def lay_earlier_money(chain: ModelChain, source: random.Random, orders: int) -> None:
    """Let some addresses hold money already, as in a wallet that was used before."""
    for index in range(orders):
        if source.random() < _HELD_MONEY_SHARE:
            chain.lay(WALLET.address(index), source.choice((600, 50_000, 5_000_000)), source)


class BitcoinPayers:
    """Pays on the model chain; nothing is done after `last_seconds`."""

    def __init__(self, chain: ModelChain, source: random.Random, last_seconds: float) -> None:
        self._chain = chain
        self._random = source
        self._last_seconds = last_seconds
        self._loop = asyncio.get_running_loop()

    def draw(self) -> BitcoinPayer:
        """Return the kind of the next buyer."""
        return self._random.choices(list(WEIGHTS), list(WEIGHTS.values()))[0]

    async def pay(self, asked: PaymentRequest, kind: BitcoinPayer) -> None:
        """Pay as this kind of buyer does, from now on."""
        draw, due = self._random.uniform, asked.satoshi
        await asyncio.sleep(draw(0.02, 0.8) * asked.window_seconds)
        match kind:
            case BitcoinPayer.NEVER:
                return
            case BitcoinPayer.LATE:
                await asyncio.sleep(asked.window_seconds + draw(1, 20) ** 3)
                self._send(asked, due)
            case BitcoinPayer.EXACTLY:
                self._send(asked, due)
            case BitcoinPayer.IN_SEVERAL:
                await self._pay_in_several(asked)
            case BitcoinPayer.IN_PART:
                self._send(asked, int(due * draw(0.1, 0.99)))
            case BitcoinPayer.MORE:
                self._send(asked, int(due * draw(1.001, 3)))
            case BitcoinPayer.DUST:
                self._send(asked, _DUST_SATOSHI)
            case BitcoinPayer.TWICE:
                self._send(asked, due)
                await asyncio.sleep(draw(10, 7200))
                self._send(asked, due)
            case _:
                await self._pay_and_think_again(asked, kind)

    async def _pay_in_several(self, asked: PaymentRequest) -> None:
        first = self._random.randrange(1, asked.satoshi)
        second = self._random.randrange(asked.satoshi - first) + 1
        for satoshi in (first, second, asked.satoshi - first - second):
            if satoshi:
                self._send(asked, satoshi)
                await asyncio.sleep(self._random.uniform(1, asked.window_seconds))

    async def _pay_and_think_again(self, asked: PaymentRequest, kind: BitcoinPayer) -> None:
        announced = kind in (BitcoinPayer.BUMPED, BitcoinPayer.TAKEN_BACK)
        coin = self._send(asked, asked.satoshi, replaceable=announced)
        await asyncio.sleep(self._random.uniform(*_SECOND_THOUGHT))
        if coin is None or self._loop.time() >= self._last_seconds:
            return
        if kind is BitcoinPayer.BUMPED:
            self._chain.bump(coin, self._loop.time())
        else:
            self._chain.take_back(coin, self._loop.time())

    def _send(
        self, asked: PaymentRequest, satoshi: int, *, replaceable: bool | None = None
    ) -> Coin | None:
        now = self._loop.time()
        if now >= self._last_seconds:
            return None
        if replaceable is None:
            replaceable = self._random.choice((True, False))
        return self._chain.pay(asked.address, satoshi, now, replaceable=replaceable)
