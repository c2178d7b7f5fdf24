"""Measurement ADDRESSES: many orders in bitcoin at once, each with an address that no other has."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import replace
from typing import Final

import httpx
from sqlalchemy import text

from app.orders.rules.rails import Rail
from app.orders.wallet.wallet import Wallet
from tests.chaos.callers import Callers, Outcome, Purchase, percentile
from tests.chaos.stage import Stage, on_stage
from tests.chaos.verdict import Verdict
from tests.orders.wallet.keys import BIP84_ZPUB

_ORDERS: Final = 1000
_REPLICAS: Final = 8
_CLIENTS: Final = 8
_BUYERS: Final = 8  # of each client
_PATIENCE_SECONDS: Final = 300.0
_HANG_UPS: Final = 0.1
_LONGEST_BEFORE_HANGING_UP_SECONDS: Final = 2.0
_TERMINATE_AGAIN_SECONDS: Final = 0.5
_PLACING: Final = "state <> 'idle'"
# The index is taken by then, and the row of its address and that of the order are written. A
# sequence counts what is rolled back, too.
_FAIL_ONE_IN_TEN: Final = (
    "CREATE SEQUENCE placings",
    """CREATE FUNCTION fail_one_in_ten() RETURNS trigger LANGUAGE plpgsql AS
       $$ BEGIN
         IF nextval('placings') % 10 = 0 THEN
           PERFORM pg_terminate_backend(pg_backend_pid());
           PERFORM pg_sleep(1);
         END IF;
         RETURN NEW;
       END $$""",
    """CREATE TRIGGER fail_one_in_ten BEFORE INSERT ON payments
       FOR EACH ROW EXECUTE FUNCTION fail_one_in_ten()""",
)


async def many_at_once(seed: int) -> Verdict:
    """ADDRESSES: 1,000 orders in bitcoin from 64 buyers over 8 processes, a share of them broken off."""
    wallet = Wallet.from_text(BIP84_ZPUB)
    async with on_stage(seed, replicas=_REPLICAS, bitcoin_descriptor=BIP84_ZPUB) as stage:
        await _install(stage, *_FAIL_ONE_IN_TEN)
        breaking = asyncio.create_task(_terminate(stage))
        began = time.monotonic()
        async with _crowd(stage) as clients, asyncio.timeout(_PATIENCE_SECONDS):
            numbers = iter(range(_ORDERS))
            buyers = [_buy(client, numbers) for client in clients for _ in range(_BUYERS)]
            waits = [wait for placed in await asyncio.gather(*buyers) for wait in placed]
        took = time.monotonic() - began
        breaking.cancel()
        placings = await stage.deployment.query("SELECT last_value / 10 AS failed FROM placings")
        stage.expect(placings[0].failed > 0, "no transaction failed")
        await _check_addresses(stage, wallet)
        statuses = Counter(call.status for call in stage.callers.calls)
        stage.expect(set(statuses) <= {201, 409, 503, None}, f"answered {dict(statuses)}")
        answers = [call.seconds for call in stage.callers.calls if call.status == 201]
        return await stage.verdict(
            "ADDRESSES",
            pace=f"{_ORDERS / took:.0f} orders a second, {took:.1f} s in all",
            new_order=f"p99 {percentile(answers, 0.99):.2f} s of those answered with 201",
            until_201=f"p99 {percentile(waits, 0.99):.2f} s, with all that was sent before",
            answers=str(dict(statuses)),
            ended_after_taking_an_index=str(placings[0].failed),
        )


async def _install(stage: Stage, *statements: str) -> None:
    async with stage.deployment.database.sessions() as session, session.begin():
        for statement in statements:
            await session.execute(text(statement))


async def _terminate(stage: Stage) -> None:
    """End a twentieth of the sessions that are at work, again and again, until cancelled."""
    while True:
        await stage.breaker.terminate_backends(_PLACING, share=0.05)
        await asyncio.sleep(_TERMINATE_AGAIN_SECONDS)


@asynccontextmanager
async def _crowd(stage: Stage) -> AsyncIterator[list[Callers]]:
    """Lend clients, each with connections of its own."""
    async with AsyncExitStack() as stack:
        clients = []
        for _ in range(_CLIENTS):
            http = httpx.AsyncClient(trust_env=False, timeout=60)
            await stack.enter_async_context(http)
            deployment = replace(stage.deployment, http=http)
            clients.append(replace(stage.callers, deployment=deployment, rail=Rail.BITCOIN))
        yield clients


async def _buy(client: Callers, numbers: Iterator[int]) -> list[float]:
    """Place one order after the other as long as there are numbers; return how long each took."""
    return [await _order(client) for _ in numbers]


async def _order(client: Callers) -> float:
    """Send an order until it is answered with 201; return after how many seconds it was."""
    began = time.monotonic()
    purchase = Purchase(f"purchase-{len(client.purchases)}")
    client.purchases.append(purchase)
    if client.chance.random() < _HANG_UPS:
        patience = client.chance.uniform(0, _LONGEST_BEFORE_HANGING_UP_SECONDS)
        with suppress(TimeoutError):
            async with asyncio.timeout(patience):
                await client.send(purchase)
    while (call := await client.send(purchase)).outcome is not Outcome.OK:
        wait_seconds = float(call.retry_after or 1)
        await asyncio.sleep(client.chance.uniform(1, 2) * wait_seconds)
    return time.monotonic() - began


async def _check_addresses(stage: Stage, wallet: Wallet) -> None:
    """Each order has its own address of the wallet, and no index was left out."""
    orders = await stage.deployment.query(
        "SELECT o.btc_dest_address, a.address_index FROM orders o"
        " JOIN bitcoin_addresses a ON a.order_id = o.id ORDER BY a.address_index"
    )
    wallets = await stage.deployment.query("SELECT id, next_index FROM bitcoin_wallets")
    indexes = [order.address_index for order in orders]
    addresses = [order.btc_dest_address for order in orders]
    stage.expect(len(orders) == _ORDERS, f"{len(orders)} orders have an address")
    stage.expect(len(set(addresses)) == len(orders), "two orders have one address")
    stage.expect(indexes == list(range(len(orders))), "an index is twice there, or left out")
    stage.expect(addresses == [wallet.address(index) for index in indexes], "not the wallet's")
    stage.expect(wallets == [(wallet.wallet_id, len(orders))], f"the wallets are {wallets}")
