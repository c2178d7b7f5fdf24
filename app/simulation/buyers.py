"""The buyers of a simulated day: they come, wait for an address, ask, cancel, and pay as they are."""

import asyncio
import random
from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, Protocol

from app.orders.pricing import Terms
from app.orders.rules.rails import Rail
from app.orders.rules.states import OrderStatus
from app.simulation.bitcoin_payers import BitcoinPayers, PaymentRequest
from app.simulation.offers import offered
from app.simulation.upstream import Payer, Upstream

ACCOUNTS: Final = 17
_PATIENCE_SECONDS: Final = 5400.0
_WEIGHTS: Final = {
    Payer.IN_FULL: 30,
    Payer.AT_ONCE: 8,
    Payer.IN_TWO_PARTS: 8,
    Payer.IN_PART: 5,
    Payer.LATE: 10,
    Payer.REORGANISED: 3,
    Payer.LOST: 0.3,
    Payer.NEVER: 12,
}
_ASKING_SHARE: Final = 0.2
# Somebody cancels at once, before AEON.to has heard of the order, or when it may have been paid.
# Whoever cancels pays as everybody else does, before or after.
_CANCELLING_SHARE: Final = 0.15
_CANCELLED_WITHIN_SECONDS: Final = (30.0, 2000.0)


def account_name(number: int) -> str:
    """Return the name of the account that the so-manieth buyer buys for."""
    return f"account_{number % ACCOUNTS}"


@dataclass(frozen=True)
class Shown:
    """What a buyer sees of an order: where to pay, once there is such a place.

    That is AEON.to's `uuid`, or an address of the merchant's own wallet.
    """

    status: OrderStatus
    uuid: str | None
    bitcoin_address: str | None = None
    bitcoin_satoshi: int | None = None


class Shop(Protocol):
    """Where buyers place orders and ask about them."""

    async def place(self, account_id: str, number_of_credits: int, rail: Rail, terms: Terms) -> str:
        """Place an order; return its id."""
        ...

    async def shown(self, order_id: str) -> Shown:
        """Return what the buyer of an order sees of it."""
        ...

    async def ask(self, order_id: str) -> None:
        """Say that somebody waits for an order."""
        ...

    async def cancel(self, account_id: str, order_id: str) -> bool:
        """Cancel an order for its buyer; say whether it is cancelled."""
        ...


class Buyers:
    """Everybody who buys on one day."""

    def __init__(
        self,
        shop: Shop,
        upstream: Upstream,
        payers: BitcoinPayers,
        source: random.Random,
        *,
        today: Terms,
        bitcoin_share: float,
        between_watches: float,
        last_seconds: float,
    ) -> None:
        self._shop = shop
        self._upstream = upstream
        self._payers = payers
        self._random = source
        self._today = today
        self._payment_window = today.bitcoin.payment_window if today.bitcoin else timedelta(0)
        self._bitcoin_share = bitcoin_share
        self._between_watches = between_watches
        self._last_seconds = last_seconds
        self._loop = asyncio.get_running_loop()
        self.placed: list[str] = []
        self.cancelled: set[str] = set()
        self.shown: dict[str, str] = {}
        self.kinds: Counter[str] = Counter()

    async def come(self, orders: int, within_seconds: float) -> None:
        """Let all buyers come, each at a time of its own, and stay until they are done."""
        arrivals = sorted(self._random.uniform(0, within_seconds) for _ in range(orders))
        async with asyncio.TaskGroup() as buyers:
            for number, arrival in enumerate(arrivals):
                buyers.create_task(self._buy(number, arrival))

    async def _buy(self, number: int, arrival: float) -> None:
        await asyncio.sleep(arrival)
        draw = self._random
        rail = Rail.BITCOIN if draw.random() < self._bitcoin_share else Rail.AEONTO
        terms = offered(self._today, rail, draw)
        # Fewer than 4 credits are less than AEON.to takes.
        number_of_credits = draw.choice((1, 10, 25, 100, 1000)) + draw.randint(0, 3)
        account_id = account_name(number)
        order_id = await self._shop.place(account_id, number_of_credits, rail, terms)
        self.placed.append(order_id)
        asks = draw.random() < _ASKING_SHARE
        async with asyncio.TaskGroup() as doing:
            if draw.random() < _CANCELLING_SHARE:
                doing.create_task(self._cancel(account_id, order_id))
            pay = self._pay_in_bitcoin if rail is Rail.BITCOIN else self._pay_in_aeon
            doing.create_task(pay(order_id, asks=asks))

    async def _cancel(self, account_id: str, order_id: str) -> None:
        draw = self._random
        await asyncio.sleep(draw.uniform(0, draw.choice(_CANCELLED_WITHIN_SECONDS)))
        if self._loop.time() < self._last_seconds and await self._shop.cancel(account_id, order_id):
            self.cancelled.add(order_id)

    async def _pay_in_aeon(self, order_id: str, *, asks: bool) -> None:
        kind = self._random.choices(list(_WEIGHTS), list(_WEIGHTS.values()))[0]
        self.kinds[kind] += 1
        uuid = await self._wait_for_address(order_id, asks=asks)
        if uuid is not None:
            self.shown[order_id] = uuid
            await self._pay(uuid, kind)

    async def _pay_in_bitcoin(self, order_id: str, *, asks: bool) -> None:
        seen = await self._shop.shown(order_id)
        if seen.bitcoin_address is None or seen.bitcoin_satoshi is None:
            raise ValueError(f"order {order_id} in bitcoin says not what to pay where")
        self.shown[order_id] = seen.bitcoin_address
        kind = self._payers.draw()
        self.kinds[kind] += 1
        asked = PaymentRequest(
            seen.bitcoin_address, seen.bitcoin_satoshi, self._payment_window.total_seconds()
        )
        await self._payers.pay(asked, kind)
        if asks:
            await self._shop.ask(order_id)

    async def _wait_for_address(self, order_id: str, *, asks: bool) -> str | None:
        give_up_at = min(self._loop.time() + _PATIENCE_SECONDS, self._last_seconds)
        while self._loop.time() < give_up_at:
            await asyncio.sleep(self._between_watches)
            if asks:
                await self._shop.ask(order_id)
            seen = await self._shop.shown(order_id)
            if seen.uuid is not None:
                return seen.uuid
            if seen.status in (OrderStatus.FAILED, OrderStatus.CANCELLED):
                return None
        return None

    async def _pay(self, uuid: str, kind: Payer) -> None:
        left = self._upstream.orders[uuid].expires_at - self._loop.time()
        draw = self._random.uniform
        match kind:
            case Payer.NEVER:
                return
            case Payer.LATE:
                await asyncio.sleep(max(0.0, left) + draw(1, 20) ** 3)
            case _:
                await asyncio.sleep(max(1.0, draw(0.02, 0.4) * left))
        if kind is Payer.IN_TWO_PARTS:
            self._upstream.pay(uuid, Payer.IN_PART, self._loop.time())
            await asyncio.sleep(draw(10, 120))
        if self._loop.time() < self._last_seconds:
            self._upstream.pay(uuid, kind, self._loop.time())
