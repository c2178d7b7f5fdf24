"""The buyer of `assay dev`: pays each order in bitcoin by itself, on the sandbox's chain."""

from datetime import datetime, timedelta
from typing import Final

import httpx

from app.orders.queries import OrderView
from app.orders.rules.rails import Rail
from app.orders.rules.states import OrderStatus
from app.orders.service import list_all
from app.orders.wallet.bip21 import bitcoin_uri
from app.runtime.clock import Clock
from app.runtime.db.engine import Database

_MOST_ORDERS: Final = 100


class Buyer:
    """Pays what orders ask for, each once: an address that has received anything is left alone."""

    def __init__(self, database: Database, clock: Clock, sandbox: httpx.AsyncClient) -> None:
        """Read orders from the database; `sandbox` is a client of a sandbox's root."""
        self._database = database
        self._clock = clock
        self._sandbox = sandbox

    async def pay(self) -> bool:
        """Pay the orders that were placed a step ago; say whether there was one.

        A step is as long as one of the sandbox's automatic mode; while that is off, nothing is paid.
        """
        mode = (await self._sandbox.get("control/auto")).raise_for_status().json()
        if not mode["enabled"]:
            return False
        step = timedelta(seconds=mode["step_seconds"])
        async with self._database.reading() as connection:
            unpaid = await list_all(connection, status=OrderStatus.UNPAID, limit=_MOST_ORDERS)
        due = [order for order in unpaid if _is_due(order, self._clock.now() - step)]
        return any([await self._pay_once(order) for order in due])

    async def _pay_once(self, order: OrderView) -> bool:
        address = order.payment.bitcoin_address if order.payment else None
        # The chain is asked, not remembered: it knows even after a restart, and before Assay does.
        if address is None or await self._has_received(address):
            return False
        uri = bitcoin_uri(address, order.btc_amount)
        paid = await self._sandbox.post("control/chain/pay", json={"uri": uri})
        paid.raise_for_status()
        return True

    async def _has_received(self, address: str) -> bool:
        answer = await self._sandbox.get(f"esplora/address/{address}/txs")
        return bool(answer.raise_for_status().json())


def _is_due(order: OrderView, placed_until: datetime) -> bool:
    return order.rail is Rail.BITCOIN and order.created_at <= placed_until
