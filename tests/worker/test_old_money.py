"""Money that the chain held before an order pays nothing: over the HTTP API and a real server.

The merchant's wallet was in use before, or its database was lost: the addresses that come next in
the wallet already hold money.
"""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any, Final

import httpx
import pytest
from asgi_lifespan import LifespanManager

from app.main import create_app
from app.orders import address_checks
from app.orders.wallet.wallet import Wallet
from app.orders.worker.address_checks import AddressChecks
from app.resources import Overrides
from app.runtime.db.engine import Database
from tests.orders.wallet.keys import BIP84_ZPUB
from tests.support.application import ScriptedProvider, settings_for_tests
from tests.support.bitcoin_orders import DUE_SATOSHI
from tests.support.sandbox import Upstream
from tests.worker.conftest import WorkerHarness, open_stage
from tests.worker.test_bitcoin_rail import open_chain

# BIP 84, "Test vectors": the first and the second receiving address of account 0.
FIRST: Final = "bc1qcr8te4kr609gcawutmrza0j4xv80jy8z306fyu"
SECOND: Final = "bc1qnjg0jd8228aq7egyzacy8cys3knf9xvrerkf9g"
ORDER: Final = {
    "number_of_credits": 10,
    "payment_coin": "Bitcoin",
    "payment_network": "BTC",
    "order_is_for_self": True,
}


@dataclass(frozen=True)
class Shop:
    """Assay's HTTP API, the loops beside it, and the buttons of the chain that both see."""

    http: httpx.AsyncClient
    harness: WorkerHarness
    checks: AddressChecks

    async def send(self, address: str, *, blocks: int) -> None:
        await self.harness.upstream.press("chain/send", address=address, satoshi=DUE_SATOSHI)
        if blocks:
            await self.harness.upstream.press("chain/mine", blocks=blocks)

    async def check_addresses(self) -> None:
        while await self.checks.check_next():
            pass

    async def order(self) -> dict[str, Any]:
        self.harness.clock.leap(2)  # past the second that the last block names
        answer = await self.http.post("/api/new_order", json=ORDER)
        assert answer.status_code == 201, answer.text
        return dict(answer.json())

    async def look(self, order_id: str) -> tuple[str, int]:
        """Let the loop look; return what the buyer is told: the status and the credits granted."""
        await self.harness.work(after_seconds=15)
        answer = await self.http.post("/api/check_order_status", json={"order_id": order_id})
        told = answer.json()
        return told["status"], told["credits_granted"] or 0

    async def passed_over(self) -> list[tuple[str, str]]:
        async with self.harness.database.reading() as connection:
            found = await address_checks.passed_over(connection)
        return [(one["address"], one["reason"]) for one in found]

    async def alarms(self, order_id: str) -> list[str]:
        notes = await self.harness.notes(order_id)
        return [reason for kind, reason in notes if kind == "alarm"]


@pytest.fixture
async def shop(committed_database: Database, served: Upstream) -> AsyncIterator[Shop]:
    await served.press("reset")
    await served.press("chain/pace", every_seconds=None)
    async with AsyncExitStack() as stack:
        chain = await open_chain(stack, served)
        harness = await stack.enter_async_context(
            open_stage(committed_database, served, chain=chain)
        )
        settings = settings_for_tests(
            bitcoin_descriptor=BIP84_ZPUB, esplora_url=("http://127.0.0.1:9/esplora",)
        )
        overrides = Overrides(
            database=committed_database,
            clock=harness.clock,
            provider=ScriptedProvider(),
            chain=chain,
        )
        app = create_app(settings, overrides)
        await stack.enter_async_context(LifespanManager(app))
        http = await stack.enter_async_context(
            httpx.AsyncClient(
                transport=httpx.ASGITransport(app),
                base_url="http://assay.test",
                headers=harness.buyer.headers,
            )
        )
        checks = AddressChecks(app.state.resources, Wallet.from_text(BIP84_ZPUB), chain)
        yield Shop(http, harness, checks)
        await harness.sound()


@pytest.mark.parametrize("blocks", [0, 6])
async def test_order_gets_an_address_where_nothing_lies_and_only_new_money_pays_it(
    shop: Shop, blocks: int
) -> None:
    await shop.send(FIRST, blocks=blocks)
    await shop.check_addresses()
    placed = await shop.order()
    assert placed["payment"]["pay_to"] == SECOND
    assert await shop.passed_over() == [(FIRST, "used")]
    assert await shop.look(placed["order_id"]) == ("UNPAID", 0)
    await shop.send(SECOND, blocks=2)
    assert await shop.look(placed["order_id"]) == ("PAID", 10)


async def test_old_money_at_an_address_that_no_server_could_check_pays_nothing_and_rings(
    shop: Shop,
) -> None:
    await shop.send(FIRST, blocks=6)
    for server in ("esplora", "esplora2"):
        await shop.harness.upstream.fault("drop", source=server, times=-1)
    await shop.check_addresses()
    placed = await shop.order()
    assert placed["payment"]["pay_to"] == FIRST
    await shop.harness.upstream.no_faults()
    assert await shop.look(placed["order_id"]) == ("UNPAID", 0)
    assert await shop.alarms(placed["order_id"]) == ["money_before_order"]
    await shop.send(FIRST, blocks=2)
    assert await shop.look(placed["order_id"]) == ("PAID", 10)


async def test_money_mined_between_the_check_and_the_order_pays_nothing_and_rings(
    shop: Shop,
) -> None:
    await shop.check_addresses()
    await shop.send(FIRST, blocks=6)
    placed = await shop.order()
    assert placed["payment"]["pay_to"] == FIRST
    assert await shop.look(placed["order_id"]) == ("UNPAID", 0)
    assert await shop.alarms(placed["order_id"]) == ["money_before_order"]
