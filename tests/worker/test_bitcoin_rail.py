"""The worker follows orders in bitcoin through two real servers of the sandbox's chain."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, aclosing
from dataclasses import dataclass, replace

import pytest

from app.orders.rules.rails import Rail
from app.partners.esplora.chain import Chain
from app.partners.esplora.client import EsploraClient, open_esplora
from app.runtime.clock import SystemClock
from app.runtime.db.engine import Database
from app.runtime.rate_limit.rules import Limit
from app.sandbox.serving import esplora_urls
from tests.support.bitcoin_orders import BITCOIN, DUE_SATOSHI
from tests.support.orders import count, events_of, place_order
from tests.support.sandbox import Upstream
from tests.worker.conftest import WorkerHarness, open_stage

# A test is about what is seen, not about waiting for a turn.
OFTEN = Limit(1000, 1.0)
# BIP 84, "Test vectors": the first receiving address of account 0.
ADDRESS = "bc1qcr8te4kr609gcawutmrza0j4xv80jy8z306fyu"


@dataclass(frozen=True)
class Buying:
    """An order of ten credits in bitcoin, the worker that follows it, and the chain's buttons."""

    harness: WorkerHarness
    order_id: str

    async def send(self, satoshi: int = DUE_SATOSHI) -> str:
        sent = await self.harness.upstream.press("chain/send", address=ADDRESS, satoshi=satoshi)
        return str(sent["txid"])

    async def mine(self, blocks: int) -> None:
        await self.harness.upstream.press("chain/mine", blocks=blocks)

    async def look(self, *, after_seconds: float = 15) -> tuple[str, int]:
        """Let the worker look; return the order's status and the buyer's credits."""
        await self.harness.work(after_seconds=after_seconds)
        return (await self.harness.read(self.order_id)).status, await self.harness.balance()

    async def alarms(self) -> list[str]:
        notes = await self.harness.notes(self.order_id)
        return [reason for kind, reason in notes if kind == "alarm"]


async def open_chain(stack: AsyncExitStack, served: Upstream) -> Chain:
    """Ask both servers of the sandbox's chain."""
    sources = []
    for url in esplora_urls(served.base_url):
        transport = await stack.enter_async_context(aclosing(open_esplora(url)))
        sources.append(EsploraClient(transport, clock=SystemClock(), limit=OFTEN))
    return Chain(sources)


@pytest.fixture
async def buying(committed_database: Database, served: Upstream) -> AsyncIterator[Buying]:
    await served.press("reset")
    await served.press("chain/pace", every_seconds=None)
    async with AsyncExitStack() as stack:
        chain = await open_chain(stack, served)
        harness = await stack.enter_async_context(
            open_stage(committed_database, served, chain=chain)
        )
        order_id = await place_order(
            committed_database,
            harness.buyer,
            harness.clock.now(),
            terms=replace(harness.resources.terms, bitcoin=BITCOIN),
            rail=Rail.BITCOIN,
        )
        yield Buying(harness, order_id)
        await harness.sound()


async def test_order_is_paid_confirmed_and_credited(buying: Buying) -> None:
    assert await buying.look() == ("UNPAID", 0)
    await buying.send()
    assert await buying.look() == ("PAID_UNCONFIRMED", 0)
    await buying.mine(1)
    assert await buying.look() == ("PAID_UNCONFIRMED", 0)
    await buying.mine(1)
    assert await buying.look() == ("PAID", 10)
    assert await buying.harness.path(buying.order_id) == [
        "TO_BE_CREATED", "UNPAID", "PAID_UNCONFIRMED", "PAID",
    ]  # fmt: skip
    assert await buying.harness.notes(buying.order_id) == []
    assert buying.harness.metric("assay_grants_total") == 1


async def test_server_that_lags_holds_the_grant_back(buying: Buying) -> None:
    await buying.harness.upstream.press("chain/lag", blocks=1)
    await buying.send()
    await buying.mine(2)
    assert await buying.look() == ("PAID_UNCONFIRMED", 0)
    await buying.harness.upstream.press("chain/lag", blocks=0)
    assert await buying.look() == ("PAID", 10)


@pytest.mark.parametrize("how", ["unknown", "unconfirmed", "fork"])
async def test_payment_that_one_server_does_not_show_in_the_block_is_not_granted(
    buying: Buying, how: str
) -> None:
    txid = await buying.send()
    await buying.mine(6)
    await buying.harness.upstream.press("chain/disagree", txid=txid, how=how)
    assert await buying.look() == ("PAID_UNCONFIRMED", 0)
    await buying.harness.upstream.press("chain/disagree", txid=txid, how=None)
    assert await buying.look() == ("PAID", 10)


async def test_servers_that_show_different_amounts_move_nothing_and_ring_once_it_lasts(
    buying: Buying,
) -> None:
    txid = await buying.send()
    await buying.mine(6)
    await buying.harness.upstream.press("chain/disagree", txid=txid, how="less")
    for rung in ([], [], [], ["chain_servers_disagree"], ["chain_servers_disagree"]):
        assert await buying.look(after_seconds=290) == ("UNPAID", 0)
        assert await buying.alarms() == rung
    assert buying.harness.metric("assay_alarms_total", kind="chain_servers_disagree") == 1
    await buying.harness.upstream.press("chain/disagree", txid=txid, how=None)
    assert await buying.look(after_seconds=30) == ("PAID", 10)


@pytest.mark.parametrize("down", [("esplora2",), ("esplora", "esplora2")])
async def test_look_without_two_servers_is_put_off_and_rings_for_no_order(
    buying: Buying, down: tuple[str, ...]
) -> None:
    await buying.send()
    await buying.mine(2)
    for source in down:
        await buying.harness.upstream.fault("drop", source=source, times=-1)
    for _ in range(5):
        assert await buying.look(after_seconds=30) == ("UNPAID", 0)
    assert await buying.harness.notes(buying.order_id) == []
    facts = await buying.harness.read(buying.order_id)
    assert facts.lease_token is None
    assert facts.next_look_at is not None
    await buying.harness.upstream.no_faults()
    assert await buying.look(after_seconds=30) == ("PAID", 10)


async def test_alarm_that_needs_an_operator_carries_its_reason(buying: Buying) -> None:
    await buying.harness.upstream.fault("403", source="esplora", times=-1)
    for _ in range(3):
        assert await buying.alarms() == []
        assert await buying.look(after_seconds=301) == ("UNPAID", 0)
    assert await buying.alarms() == ["chain_needs_operator"]
    events = await events_of(buying.harness.database, buying.order_id)
    [evidence] = [event.evidence for event in events if event.reason == "chain_needs_operator"]
    assert evidence is not None
    assert "HTTP 403" in evidence["failure"]


async def test_dust_beside_the_payment_neither_pays_nor_hinders(buying: Buying) -> None:
    for _ in range(30):
        await buying.send(300)
    assert await buying.look() == ("UNDERPAID", 0)
    await buying.send()
    await buying.mine(2)
    assert await buying.look() == ("PAID", 10)
    assert await buying.alarms() == ["money_beyond_the_price"]


async def test_replaced_payment_is_followed_to_its_replacement(buying: Buying) -> None:
    txid = await buying.send()
    assert await buying.look() == ("PAID_UNCONFIRMED", 0)
    await buying.harness.upstream.press("chain/replace", txid=txid)
    await buying.mine(2)
    assert await buying.look() == ("PAID", 10)
    assert await buying.alarms() == []


async def test_double_spent_payment_rings_and_grants_nothing(buying: Buying) -> None:
    txid = await buying.send()
    assert await buying.look() == ("PAID_UNCONFIRMED", 0)
    await buying.harness.upstream.press("chain/double-spend", txid=txid)
    for _ in range(2):
        assert await buying.look(after_seconds=330) == ("PAID_UNCONFIRMED", 0)
    assert await buying.look(after_seconds=330) == ("UNPAID", 0)
    assert await buying.alarms() == ["payment_reorganised_away"]


async def test_deep_reorganisation_after_the_grant_rings_and_takes_nothing_back(
    buying: Buying,
) -> None:
    await buying.send()
    await buying.mine(2)
    assert await buying.look() == ("PAID", 10)
    await buying.harness.upstream.press("chain/reorganise", depth=3, transactions="vanish")
    for _ in range(4):
        assert await buying.look(after_seconds=601) == ("PAID", 10)
    assert await buying.alarms() == ["granted_payment_gone"]


async def test_miner_who_pays_out_an_order_of_aeonto_settles_it_with_the_hundredth_confirmation(
    committed_database: Database, served: Upstream
) -> None:
    await served.press("reset")
    await served.press("chain/pace", every_seconds=None)
    async with AsyncExitStack() as stack:
        chain = await open_chain(stack, served)
        harness = await stack.enter_async_context(
            open_stage(committed_database, served, chain=chain)
        )
        order_id = await harness.placed_unpaid()
        await harness.advance("PAID")
        [order] = await served.orders()
        await served.press(f"orders/{order['uuid']}/send", lie="new_coins")
        for blocks, status, credits_granted in (
            (0, "PAID", 0),
            (98, "PAID", 0),
            (1, "BTC_SENT", 10),
        ):
            if blocks:
                await served.press("chain/mine", blocks=blocks)
            await harness.work(after_seconds=30)
            assert (await harness.read(order_id)).status == status
            assert await harness.balance() == credits_granted
        kept = "is_coinbase AND confirmations = 100"
        assert await count(committed_database, "settlements", kept) == 1
        await harness.sound()


async def test_transaction_that_servers_do_not_find_in_words_of_their_own_settles_once_they_do(
    committed_database: Database, served: Upstream
) -> None:
    await served.press("reset")
    async with AsyncExitStack() as stack:
        chain = await open_chain(stack, served)
        harness = await stack.enter_async_context(
            open_stage(committed_database, served, chain=chain)
        )
        order_id = await harness.placed_unpaid()
        await harness.advance("PAID")
        await served.press("orders/all/send")
        await served.press("chain/mine", blocks=1)
        for source in ("esplora", "esplora2"):
            await served.fault("404", source=source, endpoint="tx", code="none")
        await harness.work(after_seconds=30)
        assert ((await harness.read(order_id)).status, await harness.balance()) == ("PAID", 0)
        assert await harness.notes(order_id) == [("refused", "settlement_unverified")]
        await harness.work(after_seconds=30)
        assert ((await harness.read(order_id)).status, await harness.balance()) == ("BTC_SENT", 10)
        await harness.sound()
