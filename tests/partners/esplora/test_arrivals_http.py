"""What arrives at an address, seen on real HTTP through both servers of the sandbox's chain."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, aclosing

import httpx
import pytest

from app.partners.esplora.chain import Chain, Disagree, ReceivedOutputs, Unavailable
from app.partners.esplora.client import EsploraClient, open_esplora
from app.partners.esplora.outputs import ReceivedOutput
from app.runtime.clock import SystemClock
from app.runtime.rate_limit.rules import Limit
from app.sandbox import create_sandbox, serve_sandbox
from app.sandbox.serving import esplora_urls
from tests.support.sandbox import RATE_SCALE, Upstream

ADDRESS = "bc1qcr8te4kr609gcawutmrza0j4xv80jy8z306fyu"  # BIP 84, "Test vectors"
OTHER = "12Cyjf3qV6qLyXdzpLSLPdRFPUVidvnzFM"
WITHIN = 10.0
# A test is about what is seen, not about waiting for a turn.
OFTEN = Limit(1000, 1.0)


class Watch:
    """An address, its chain as two servers show it, and the buttons that change it."""

    def __init__(self, upstream: Upstream, chain: Chain, http: httpx.AsyncClient) -> None:
        self._base_url = upstream.base_url
        self._http = http
        self.press = upstream.press
        self.fault = upstream.fault
        self.chain = chain

    async def send(self, satoshi: int, address: str = ADDRESS) -> str:
        sent = await self.press("chain/send", address=address, satoshi=satoshi)
        return str(sent["txid"])

    async def order(self, btc_amount: str) -> None:
        """Let AEON.to have an order that pays the address."""
        body = f'{{"btc_dest_address": "{ADDRESS}", "btc_amount": {btc_amount}}}'
        response = await self._http.post(
            f"{self._base_url}order_create/",
            content=body,
            headers={"Content-Type": "application/json"},
        )
        assert response.status_code == 201, response.text

    async def mine(self, blocks: int = 1) -> None:
        await self.press("chain/mine", blocks=blocks)

    async def look(self) -> ReceivedOutputs | Disagree | Unavailable:
        return await self.chain.payments(ADDRESS, within_seconds=WITHIN)

    async def outputs(self) -> tuple[ReceivedOutput, ...]:
        found = await self.look()
        assert isinstance(found, ReceivedOutputs), found
        return found.outputs

    async def counts(self) -> dict[str, tuple[int, bool]]:
        """Return the confirmations of each transaction, and whether all servers know it."""
        return {one.txid: (one.confirmations, one.seen_by_all) for one in await self.outputs()}


@pytest.fixture
async def watch() -> AsyncIterator[Watch]:
    app = create_sandbox(
        block_seconds=None, creation_delay_seconds=0, rate_scale=RATE_SCALE, seed=7
    )
    async with AsyncExitStack() as stack:
        base_url = await stack.enter_async_context(serve_sandbox(app))
        http = await stack.enter_async_context(httpx.AsyncClient(trust_env=False, timeout=60))
        sources = []
        for url in esplora_urls(base_url):
            transport = await stack.enter_async_context(aclosing(open_esplora(url)))
            sources.append(EsploraClient(transport, clock=SystemClock(), limit=OFTEN))
        yield Watch(Upstream(base_url, http), Chain(sources), http)


async def test_unused_address_has_nothing(watch: Watch) -> None:
    assert await watch.outputs() == ()


async def test_unconfirmed_payment_is_seen(watch: Watch) -> None:
    txid = await watch.send(5_000)
    assert await watch.outputs() == (
        ReceivedOutput(
            txid=txid,
            output_index=0,
            value_satoshi=5_000,
            confirmations=0,
            replaceable=True,
            block_time=None,
            seen_by_all=True,
        ),
    )


async def test_confirmed_payment_has_its_blocks_and_the_time_of_its_own(watch: Watch) -> None:
    before = SystemClock().now().replace(microsecond=0)
    await watch.send(5_000)
    await watch.mine(3)
    [seen] = await watch.outputs()
    assert (seen.confirmations, seen.seen_by_all) == (3, True)
    assert seen.block_time is not None
    assert before <= seen.block_time <= SystemClock().now()


async def test_two_payments_count_each_and_what_others_receive_does_not(watch: Watch) -> None:
    first, second = await watch.send(1_000), await watch.send(2_000)
    await watch.send(4_000, OTHER)
    await watch.mine()
    values = {one.txid: one.value_satoshi for one in await watch.outputs()}
    assert values == {first: 1_000, second: 2_000}


async def test_outputs_of_one_transaction_count_each(watch: Watch) -> None:
    await watch.order("0.1")
    await watch.order("0.2")
    await watch.press("orders/all/advance", to="PAID")
    await watch.press("orders/all/send", batch=True)
    seen = await watch.outputs()
    assert len({one.txid for one in seen}) == 1
    assert [(one.output_index, one.value_satoshi) for one in seen] == [
        (0, 10_000_000),
        (1, 20_000_000),
    ]


async def test_replaced_payment_is_gone_and_its_replacement_seen(watch: Watch) -> None:
    old = await watch.send(5_000)
    new = (await watch.press("chain/replace", txid=old))["txid"]
    assert await watch.counts() == {new: (0, True)}


async def test_payment_replaced_by_one_to_another_is_gone(watch: Watch) -> None:
    old = await watch.send(5_000)
    await watch.press("chain/replace", txid=old, address=OTHER)
    assert await watch.outputs() == ()


@pytest.mark.parametrize("blocks", [0, 2])
async def test_double_spent_payment_is_gone(watch: Watch, blocks: int) -> None:
    txid = await watch.send(5_000)
    if blocks:
        await watch.mine(blocks)
    await watch.press("chain/double-spend", txid=txid)
    assert await watch.outputs() == ()


@pytest.mark.parametrize(
    ("fate", "after"), [("mempool", (0, True)), ("mined", (3, True)), ("vanish", None)]
)
async def test_reorganisation_takes_confirmations_away(
    watch: Watch, fate: str, after: tuple[int, bool] | None
) -> None:
    txid = await watch.send(5_000)
    await watch.mine(2)
    assert await watch.counts() == {txid: (2, True)}
    await watch.press("chain/reorganise", depth=2, transactions=fate)
    assert await watch.counts() == ({} if after is None else {txid: after})


async def test_server_that_lags_holds_the_confirmations_back(watch: Watch) -> None:
    txid = await watch.send(5_000)
    await watch.mine(3)
    await watch.press("chain/lag", blocks=1)
    assert await watch.counts() == {txid: (2, True)}
    await watch.press("chain/lag", blocks=3)
    assert await watch.counts() == {txid: (0, True)}


async def test_payment_that_one_server_does_not_know_is_listed_without_confirmations(
    watch: Watch,
) -> None:
    known, other = await watch.send(5_000), await watch.send(6_000)
    await watch.mine(3)
    await watch.press("chain/disagree", txid=known, how="unknown")
    assert await watch.counts() == {known: (0, False), other: (3, True)}
    await watch.press("chain/disagree", txid=known, how="unconfirmed")
    assert await watch.counts() == {known: (0, True), other: (3, True)}


async def test_payment_in_two_rival_blocks_has_no_confirmations(watch: Watch) -> None:
    txid = await watch.send(5_000)
    await watch.mine(3)
    await watch.press("chain/disagree", txid=txid, how="fork")
    [seen] = await watch.outputs()
    assert (seen.confirmations, seen.seen_by_all, seen.block_time) == (0, True, None)
    verdict = await watch.chain.settlement(txid, ADDRESS, 5_000, within_seconds=WITHIN)
    assert isinstance(verdict, Disagree)


async def test_server_that_throttles_is_not_asked_until_it_says(watch: Watch) -> None:
    await watch.fault("429", source="esplora2", seconds=60)
    for reason in ("too many requests", "nothing was sent"):
        found = await watch.look()
        assert isinstance(found, Unavailable)
        assert reason in found.reason


async def test_servers_that_show_different_amounts_disagree(watch: Watch) -> None:
    txid = await watch.send(5_000)
    await watch.press("chain/disagree", txid=txid, how="less")
    assert isinstance(await watch.look(), Disagree)


@pytest.mark.parametrize("kind", ["503", "reset", "html", "malformed", "negative", "deep"])
async def test_one_server_down_leaves_too_few_of_two(watch: Watch, kind: str) -> None:
    await watch.send(5_000)
    await watch.fault(kind, source="esplora2", endpoint="address_txs", times=1)
    found = await watch.look()
    assert isinstance(found, Unavailable)
    assert found.reason.startswith("1 of 2 servers answered (127.0.0.1:")
    assert len(await watch.outputs()) == 1


async def test_both_servers_down_are_named(watch: Watch) -> None:
    for source in ("esplora", "esplora2"):
        await watch.fault("drop", source=source)
    found = await watch.look()
    assert isinstance(found, Unavailable)
    assert found.reason.startswith("0 of 2 servers answered (127.0.0.1:")
    assert found.reason.count("tip_height: ") == 2


async def test_more_than_a_page_of_payments_is_seen_to_the_oldest(watch: Watch) -> None:
    expected = {}
    for number in range(80):
        expected[await watch.send(1_000 + number)] = (1, True)
    await watch.mine()
    expected[await watch.send(5_000)] = (0, True)
    assert await watch.counts() == expected


async def test_flood_of_dust_is_told_and_not_overlooked(watch: Watch) -> None:
    for _ in range(201):
        await watch.send(1)
    await watch.mine()
    found = await watch.look()
    assert isinstance(found, Unavailable)
    assert found.reason.count("somebody floods it") == 2


@pytest.mark.parametrize("dialect", ["blockstream", "mempool", "electrum"])
async def test_payment_under_a_heap_of_dust_is_seen_whatever_the_pages_of_the_servers(
    watch: Watch, dialect: str
) -> None:
    for view in ("esplora", "esplora2"):
        await watch.press("chain/dialect", view=view, dialect=dialect)
    payment = await watch.send(5_000)
    assert await watch.counts() == {payment: (0, True)}
    await watch.mine(6)
    assert await watch.counts() == {payment: (6, True)}
    for count in (30, 31):
        for _ in range(count):
            await watch.send(1)
        if count == 30:
            await watch.mine()
    found = await watch.counts()
    assert len(found) == 62
    assert found[payment] == (7, True)


async def test_more_unconfirmed_dust_than_a_server_shows_is_told_and_not_overlooked(
    watch: Watch,
) -> None:
    for _ in range(51):
        await watch.send(1)
    found = await watch.look()
    assert isinstance(found, Unavailable)
    assert found.needs_operator
    assert found.reason.count("counts more transactions of the address than it shows") == 2


async def test_new_coins_of_a_miner_are_told_from_other_money(watch: Watch) -> None:
    mined = await watch.press("chain/mine-to", address=ADDRESS, satoshi=5_000)
    await watch.send(5_000)
    told = {one.txid: (one.is_coinbase, one.confirmations) for one in await watch.outputs()}
    assert told.pop(mined["txid"]) == (True, 1)
    assert list(told.values()) == [(False, 0)]
