"""Servers of the model chain: each behind for a while, away, failing or lying, now and then."""

import asyncio
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum
from typing import Final

from app.partners.esplora.wire import Block, Output, Transaction
from app.partners.failures import (
    AnswerLost,
    InvalidResponse,
    PartnerFailure,
    ServerFault,
    Throttled,
    Unreachable,
)
from app.simulation.chain import Coin, Mined, ModelChain, Waiting
from app.simulation.loop import BEGIN

_LAG_SECONDS: Final = (0.0, 15.0)
_SLOW_SECONDS: Final = (0.05, 12.0)
_BEYOND_DEADLINE_SECONDS: Final = 30.0
_DELAYED_SHARE: Final = 0.1
_DELAY_SECONDS: Final = (0.02, 0.5)


class ServerState(StrEnum):
    """What a server is like for a span of time."""

    BEHIND = "behind"  # it sees the chain as it was at the beginning of the span
    AWAY = "away"


@dataclass(frozen=True)
class Span:
    """A span of time in seconds since the beginning, and what a server is like in it."""

    begin: float
    end: float
    state: ServerState


class ServerFaultKind(StrEnum):
    """What may go wrong with one request."""

    FAILED = "failed"
    SWALLOWED = "swallowed"
    SLOW = "slow"
    LIE = "lie"


_KINDS: Final = tuple(ServerFaultKind)


def draw_spans(source: random.Random, count: int, last_seconds: float) -> list[Span]:
    """Draw spans of minutes, up to 50 of them, that end before a moment."""
    begins = [source.uniform(0, last_seconds) for _ in range(count)]
    return [
        Span(
            begin,
            min(begin + source.uniform(60, 3000), last_seconds),
            source.choices((ServerState.BEHIND, ServerState.AWAY), (3, 1))[0],
        )
        for begin in begins
    ]


class ChainServer:
    """One server. It fails by chance until `until`, and is true and nearly up to date afterwards."""

    def __init__(
        self,
        name: str,
        chain: ModelChain,
        source: random.Random,
        *,
        fault_rate: float,
        spans: Sequence[Span],
        until: float,
    ) -> None:
        self.source = name
        self._chain = chain
        self._random = source
        self._fault_rate = fault_rate
        self._spans = spans
        self._until = until
        self._lag_seconds = source.uniform(*_LAG_SECONDS)
        self._loop = asyncio.get_running_loop()
        self.faults: Counter[str] = Counter()
        self.requests = 0

    def view(self, moment: float) -> float:
        """Return the moment whose chain the server sees at a moment."""
        behind = [
            span.begin
            for span in self._spans
            if span.state is ServerState.BEHIND and span.begin <= moment < span.end
        ]
        return max(0.0, min(behind, default=moment) - self._lag_seconds)

    async def transaction(self, txid: str) -> Transaction | None:
        raise NotImplementedError(f"nobody asks for {txid}: settlements are not simulated")

    async def tip_height(self) -> int:
        await self._exchange("tip_height")
        return self._chain.height(self.view(self._loop.time()))

    async def payments(self, address: str) -> tuple[Transaction, ...]:
        lies = await self._exchange("payments")
        moment = self.view(self._loop.time())
        shown = [
            _shown(coin, place)
            for coin in self._chain.paying(address)
            if (place := coin.place(moment)) is not Waiting.GONE
        ]
        if lies:
            shown = self._lie(shown, address)
        return tuple(shown)

    async def _exchange(self, endpoint: str) -> bool:
        """Carry a request there and its answer back; say whether the answer is to be a lie."""
        self.requests += 1
        fault = self._draw_fault()
        if fault is None:
            if self._random.random() < _DELAYED_SHARE:
                await asyncio.sleep(self._random.uniform(*_DELAY_SECONDS))
            return False
        self.faults[f"{endpoint} {fault}"] += 1
        if fault is ServerFaultKind.FAILED:
            raise self._failure(endpoint)
        if fault is ServerFaultKind.SWALLOWED:
            await asyncio.sleep(_BEYOND_DEADLINE_SECONDS)
            raise AnswerLost(endpoint)
        if fault is ServerFaultKind.SLOW:
            await asyncio.sleep(self._random.uniform(*_SLOW_SECONDS))
        return fault is ServerFaultKind.LIE

    def _draw_fault(self) -> ServerFaultKind | None:
        now = self._loop.time()
        if now >= self._until:
            return None
        if any(
            span.state is ServerState.AWAY and span.begin <= now < span.end for span in self._spans
        ):
            return ServerFaultKind.FAILED
        if not self._fault_rate or self._random.random() >= self._fault_rate:
            return None
        return self._random.choice(_KINDS)

    def _failure(self, endpoint: str) -> PartnerFailure:
        return self._random.choice(
            (
                Unreachable(endpoint),
                AnswerLost(endpoint),
                InvalidResponse(endpoint, http_status=200),
                ServerFault(endpoint, http_status=503),
                Throttled(endpoint, http_status=429, retry_after=""),
            )
        )

    def _lie(self, shown: list[Transaction], address: str) -> list[Transaction]:
        """Leave out a payment, invent one, put one into a block too early, or read it differently."""
        draw = self._random
        if not shown or draw.choice((True, False, False)):
            return [*shown, self._invented(address)]
        number = draw.randrange(len(shown))
        others = [one for place, one in enumerate(shown) if place != number]
        told = shown[number]
        return [
            *others,
            *draw.choice(
                (
                    [],
                    [replace(told, block=self._block())],
                    [replace(told, block=None)],
                    [replace(told, outputs=tuple(_tenfold(one) for one in told.outputs))],
                )
            ),
        ]

    def _invented(self, address: str) -> Transaction:
        return Transaction(
            txid=f"{self._random.getrandbits(256):064x}",
            outputs=(Output(0, address, self._random.choice((600, 50_000, 5_000_000))),),
            block=self._random.choice((None, self._block())),
            replaceable=False,
        )

    def _block(self) -> Block:
        tip_height = self._chain.height(self._loop.time())
        time = BEGIN + timedelta(seconds=self._loop.time())
        return Block(tip_height - 9, f"{self._random.getrandbits(256):064x}", time)


def _shown(coin: Coin, place: Mined | Waiting) -> Transaction:
    block = Block(place.height, place.hash, place.time) if isinstance(place, Mined) else None
    return Transaction(
        txid=coin.txid,
        outputs=tuple(
            Output(index, address, value) for index, (address, value) in enumerate(coin.outputs)
        ),
        block=block,
        replaceable=coin.replaceable,
    )


def _tenfold(output: Output) -> Output:
    return replace(output, value_satoshi=output.value_satoshi * 10)
