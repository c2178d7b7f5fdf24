"""Buyers who pay in bitcoin: some raise the fee, some take their money back, some never pay."""

import asyncio
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import Any, Final

from app.orders.rules.rails import Rail
from app.orders.rules.states import OrderStatus
from tests.chaos.breaking import Breaker
from tests.chaos.callers import Callers, Outcome
from tests.support.sandbox import Upstream

# What takes a payment back pays here instead: nobody's order.
_ELSEWHERE: Final = "1BoatSLRHtKNngkdXEeobR76b53LETtpyT"
_CONFIRMATIONS: Final = 2  # by default, ASSAY_BITCOIN_CONFIRMATIONS
_TRY_AGAIN_SECONDS: Final = 0.5
_LOOKS: Final = 6
_LOOK_AGAIN_SECONDS: Final = 2.0


class Manner(StrEnum):
    """How a buyer pays."""

    PLAIN = "paid plainly"
    BUMPED = "fee raised"
    REPLACED = "replaced, then paid anew"
    DOUBLE_SPENT = "double-spent, then paid anew"
    WITHDRAWN = "replaced for good"
    NEVER = "never paid"


_WEIGHTS: Final = {
    Manner.PLAIN: 10,
    Manner.BUMPED: 4,
    Manner.REPLACED: 1,
    Manner.DOUBLE_SPENT: 2,
    Manner.WITHDRAWN: 1,
    Manner.NEVER: 2,
}


@dataclass
class Payers:
    """Who buys in bitcoin. `paid`: the orders that have their money in the end, by their id.

    `glances`: how often, twice a second, who will take a payment back looks whether it is seen.
    `early` gathers orders that were granted for money which was taken back before it counted.
    """

    callers: Callers
    breaker: Breaker
    block_seconds: float
    glances: int
    paid: set[str] = field(default_factory=set)
    early: list[str] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)

    async def buy_many(self, count: int, *, per_second: float) -> None:
        """Let blocks come, and place orders at a rate, each until answered; pay in every manner."""
        await self._upstream.press("chain/pace", every_seconds=self.block_seconds)
        chance = self.callers.chance
        manners = [*Manner, *chance.choices(list(_WEIGHTS), list(_WEIGHTS.values()), k=count)]
        async with asyncio.TaskGroup() as group:
            for manner in manners[:count]:
                group.create_task(self._buy(manner))
                await asyncio.sleep(chance.uniform(0.5, 1.5) / per_second)

    def summary(self) -> str:
        """Return who paid how, in words."""
        return ", ".join(f"{count} {manner}" for manner, count in sorted(self.counts.items()))

    async def _buy(self, manner: Manner) -> None:
        purchase = await self.callers.buy_patiently(1, rail=Rail.BITCOIN)
        order_id = next(iter(purchase.order_ids))
        uri = await self._uri(order_id)
        await asyncio.sleep(self.callers.chance.uniform(0, 2))
        if await self._pay(manner, order_id, uri):
            self.paid.add(order_id)
            await self._wait_for_credits(order_id)
        self._did(manner)

    def _did(self, what: str) -> None:
        self.counts[what] = self.counts.get(what, 0) + 1

    async def _uri(self, order_id: str) -> str:
        while True:
            shown = await self._ask(order_id)
            if shown is not None:
                uri: str = shown["payment"]["uri"]
                return uri
            await asyncio.sleep(_TRY_AGAIN_SECONDS)

    async def _ask(self, order_id: str) -> dict[str, Any] | None:
        """Ask for the status; None when nobody answers."""
        call = await self.callers.call("check_order_status", {"order_id": order_id})
        return call.body if call.outcome is Outcome.OK else None

    async def _wait_for_credits(self, order_id: str) -> None:
        for _ in range(_LOOKS):
            shown = await self._ask(order_id)
            if shown is not None and shown["status"] == OrderStatus.PAID:
                return
            await asyncio.sleep(_LOOK_AGAIN_SECONDS)

    async def _pay(self, manner: Manner, order_id: str, uri: str) -> bool:
        """Pay in a manner; return whether the order has its money in the end."""
        match manner:
            case Manner.NEVER:
                return False
            case Manner.PLAIN:
                await self._send(uri)
            case Manner.BUMPED:
                sent = await self._send(uri)
                await asyncio.sleep(self.callers.chance.uniform(0, 1))
                await self._upstream.press_if_possible("chain/replace", txid=sent["txid"])
            case Manner.WITHDRAWN:
                return not await self._replace(order_id, uri)
            case Manner.REPLACED:
                if await self._replace(order_id, uri):
                    await self._pay_anew(order_id, uri)
            case Manner.DOUBLE_SPENT:
                counted = await self._double_spend(order_id, uri)
                await self._pay_anew(order_id, uri, counted=counted)
        return True

    @property
    def _upstream(self) -> Upstream:
        return self.callers.deployment.upstream

    async def _send(self, uri: str) -> dict[str, Any]:
        return await self._upstream.press("chain/pay", uri=uri)

    async def _seen(self, order_id: str) -> None:
        """Wait until Assay shows what was sent, for as long as one has patience."""
        for _ in range(self.glances):
            shown = await self._ask(order_id)
            if shown is not None and Decimal(shown["payment"]["amount_received"]) > 0:
                return
            await asyncio.sleep(_TRY_AGAIN_SECONDS)

    async def _replace(self, order_id: str, uri: str) -> bool:
        """Pay, and replace it by what pays elsewhere; return False when a block was quicker.

        Blocks wait until Assay has seen the payment, and none is taken back meanwhile: so what is
        replaced was never in any.
        """
        async with self.breaker.chain_grows:
            await self._upstream.press("chain/pace", every_seconds=None)
            sent = await self._send(uri)
            await self._seen(order_id)
            replaced = await self._upstream.press_if_possible(
                "chain/replace", txid=sent["txid"], address=_ELSEWHERE
            )
            await self._upstream.press("chain/pace", every_seconds=self.block_seconds)
        return replaced is not None

    async def _double_spend(self, order_id: str, uri: str) -> bool:
        """Pay, and spend the coins elsewhere; return whether the payment may have counted before."""
        async with self.breaker.chain_grows:
            sent = await self._send(uri)
            await self._seen(order_id)
            spent = await self._upstream.press("chain/double-spend", txid=sent["txid"])
        blocks_between = spent["tip_height"] - 1 - sent["tip_height"]  # one is the double-spend's
        return bool(blocks_between >= _CONFIRMATIONS)

    async def _pay_anew(self, order_id: str, uri: str, *, counted: bool = False) -> None:
        await asyncio.sleep(self.callers.chance.uniform(1, 2))
        shown = await self._ask(order_id)
        if shown is not None and shown["status"] == OrderStatus.PAID and not counted:
            self.early.append(f"{order_id} was granted for money that was taken back")
        await self._send(uri)
