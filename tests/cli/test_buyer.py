"""The buyer of `assay dev` pays each order in bitcoin once, on the sandbox's chain."""

from collections.abc import AsyncIterator
from typing import Any, Final

import httpx
import pytest

from app.cli.buyer import Buyer
from app.orders.place import Purchase
from app.resources import sales_terms
from app.runtime.db.engine import Database
from app.sandbox import create_sandbox, serve_sandbox
from tests.orders.wallet.keys import BIP84_ZPUB
from tests.support.application import settings_for_tests
from tests.support.buying import buy
from tests.support.clock import HandClock
from tests.support.orders import place_order
from tests.support.people import make_user

TERMS: Final = sales_terms(
    settings_for_tests(
        bitcoin_descriptor=BIP84_ZPUB, esplora_url="http://127.0.0.1/", credit_price_btc="0.0005"
    )
)


@pytest.fixture
async def sandbox() -> AsyncIterator[httpx.AsyncClient]:
    """A client of the root of a sandbox in which no block comes by itself."""
    async with serve_sandbox(
        create_sandbox(auto=True, auto_step_seconds=3, block_seconds=None)
    ) as url:
        root = url.partition("api/")[0]
        async with httpx.AsyncClient(base_url=root, trust_env=False, timeout=60) as http:
            yield http


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


async def order_in_bitcoin(database: Database, clock: HandClock) -> str:
    """Place an order for 0.005 BTC; return the address that it waits at."""
    buyer = await make_user(database, clock.now())
    purchase = Purchase(10, "Bitcoin", "BTC", None)
    placed = await buy(database, buyer.caller, purchase, TERMS, clock.now())
    assert placed.payment is not None
    assert placed.payment.bitcoin_address is not None
    return placed.payment.bitcoin_address


async def received(sandbox: httpx.AsyncClient, address: str) -> list[int]:
    """Return the satoshi of each output that pays an address."""
    found: list[dict[str, Any]] = (await sandbox.get(f"esplora/address/{address}/txs")).json()
    outputs = [output for transaction in found for output in transaction["vout"]]
    return [out["value"] for out in outputs if out.get("scriptpubkey_address") == address]


async def test_order_is_paid_once_after_some_seconds_whoever_asks(
    database: Database, clock: HandClock, sandbox: httpx.AsyncClient
) -> None:
    address = await order_in_bitcoin(database, clock)
    other = await order_in_bitcoin(database, clock)
    assert not await Buyer(database, clock, sandbox).pay()
    assert await received(sandbox, address) == []
    clock.advance(3)
    assert await Buyer(database, clock, sandbox).pay()
    # The order is unpaid still, as nobody has looked: this one stands for one after a restart.
    assert not await Buyer(database, clock, sandbox).pay()
    assert [await received(sandbox, each) for each in (address, other)] == [[500_000], [500_000]]


async def test_order_that_somebody_else_paid_in_part_is_left_alone(
    database: Database, clock: HandClock, sandbox: httpx.AsyncClient
) -> None:
    address = await order_in_bitcoin(database, clock)
    part = {"address": address, "satoshi": 1000}
    (await sandbox.post("control/chain/send", json=part)).raise_for_status()
    clock.advance(3)
    assert not await Buyer(database, clock, sandbox).pay()
    assert await received(sandbox, address) == [1000]


async def test_order_in_aeon_is_none_of_its_business(
    database: Database, clock: HandClock, sandbox: httpx.AsyncClient
) -> None:
    await place_order(database, await make_user(database, clock.now()), clock.now())
    clock.advance(3)
    assert not await Buyer(database, clock, sandbox).pay()


@pytest.mark.parametrize("refused", ["/control/auto", "/esplora/", "/control/chain/pay"])
async def test_request_that_the_sandbox_refuses_is_no_payment_and_is_heard_of(
    database: Database, clock: HandClock, refused: str
) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path.startswith(refused):
            return httpx.Response(400)
        is_mode = request.url.path == "/control/auto"
        return httpx.Response(200, json={"enabled": True, "step_seconds": 3} if is_mode else [])

    await order_in_bitcoin(database, clock)
    clock.advance(3)
    transport = httpx.MockTransport(answer)
    async with httpx.AsyncClient(base_url="http://sandbox.test/", transport=transport) as refusing:
        with pytest.raises(httpx.HTTPStatusError):
            await Buyer(database, clock, refusing).pay()


async def test_nothing_is_paid_while_automatic_mode_is_off_and_later_when_it_is_slow(
    database: Database, clock: HandClock, sandbox: httpx.AsyncClient
) -> None:
    address = await order_in_bitcoin(database, clock)
    clock.advance(60)
    (await sandbox.post("control/auto", json={"enabled": False})).raise_for_status()
    assert not await Buyer(database, clock, sandbox).pay()
    slow = {"enabled": True, "step_seconds": 90}
    (await sandbox.post("control/auto", json=slow)).raise_for_status()
    assert not await Buyer(database, clock, sandbox).pay()
    clock.advance(30)
    assert await Buyer(database, clock, sandbox).pay()
    assert await received(sandbox, address) == [500_000]
