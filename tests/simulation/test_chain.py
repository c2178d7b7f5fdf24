"""The model of the chain: blocks, reorganisations, replacements, and servers that are behind."""

import asyncio
import random
from collections.abc import Iterator
from datetime import timedelta

import pytest

from app.simulation.chain import Coin, Mined, ModelChain, Waiting
from app.simulation.chain_servers import ChainServer, ServerState, Span
from app.simulation.loop import BEGIN, VirtualLoop
from app.simulation.offers import WALLET
from tests.support.cases import each_case

ADDRESS = WALLET.address(0)


def model(seed: int = 1) -> ModelChain:
    source = random.Random(seed)  # noqa: S311  a test repeats itself
    return ModelChain(source, lambda seconds: BEGIN + timedelta(seconds=seconds), lambda _: None)


def mined(chain: ModelChain, coin: Coin, now: float) -> float:
    """Mine until a payment is in a block; return when."""
    while not isinstance(coin.place(now), Mined):
        now += 600
        chain.mine(now)
    return now


def test_payment_waits_then_gains_a_confirmation_with_every_block() -> None:
    chain = model()
    coin = chain.pay(ADDRESS, 50_000, 10, replaceable=False)
    assert coin.place(9) is Waiting.GONE
    assert coin.place(10) is Waiting.IN_MEMPOOL
    assert chain.confirmations(coin, 10) == 0
    now = mined(chain, coin, 10)
    assert chain.confirmations(coin, now) == 1
    chain.mine(now + 600)
    assert chain.confirmations(coin, now + 600) == 2
    assert chain.confirmations(coin, now) == 1


@each_case("depth", range(1, 7))
def test_reorganisation_replaces_blocks_by_one_more(depth: int) -> None:
    chain = model(depth)
    coins = [chain.pay(ADDRESS, 1000, 10, replaceable=False) for _ in range(60)]
    for number in range(1, 8):
        chain.mine(600.0 * number)
    before = {coin.txid: coin.place(4200) for coin in coins}
    lost = {
        txid
        for txid, place in before.items()
        if isinstance(place, Mined) and place.height > chain.height(4200) - depth
    }
    chain.reorganise(depth, 4300)
    assert chain.height(4300) == chain.height(4200) + 1
    moved = {coin.txid for coin in coins if coin.place(4300) != before[coin.txid]}
    assert lost <= moved


def test_payment_is_taken_back_only_while_it_waits() -> None:
    chain = model()
    taken, kept = (chain.pay(ADDRESS, 1000, 10, replaceable=True) for _ in range(2))
    assert chain.take_back(taken, 20)
    assert taken.place(20) is Waiting.GONE
    now = mined(chain, kept, 20)
    assert not chain.take_back(kept, now)
    assert isinstance(kept.place(now), Mined)


def test_higher_fee_replaces_a_payment_by_an_equal_one() -> None:
    chain = model()
    coin = chain.pay(ADDRESS, 1000, 10, replaceable=True)
    chain.bump(coin, 20)
    old, new = chain.paying(ADDRESS)
    assert (old.place(20), new.place(20)) == (Waiting.GONE, Waiting.IN_MEMPOOL)
    assert new.value_satoshi == 1000
    assert new.txid != old.txid


def test_reorganisations_of_every_depth_come_within_twenty_days() -> None:
    depths: set[str] = set()
    for seed in range(20):
        chain = model(seed)
        with asyncio.Runner(loop_factory=VirtualLoop) as runner, pytest.raises(TimeoutError):
            runner.run(asyncio.wait_for(chain.live(86_400), 86_400))
        depths |= {name for name in chain.counts if " of depth " in name}
    assert depths == {f"reorganisations of depth {depth}" for depth in range(1, 7)}


@pytest.fixture
def runner() -> Iterator[asyncio.Runner]:
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        yield runner


def test_server_that_is_behind_shows_the_chain_as_it_was(runner: asyncio.Runner) -> None:
    async def asked() -> list[tuple[int, int]]:
        chain = model()
        server = ChainServer(
            "one",
            chain,
            random.Random(2),  # noqa: S311
            fault_rate=0.0,
            spans=[Span(100.0, 1000.0, ServerState.BEHIND)],
            until=5000.0,
        )
        seen = []
        await asyncio.sleep(50)
        chain.mine(50)
        await asyncio.sleep(100)
        chain.pay(ADDRESS, 1000, 150, replaceable=False)
        chain.mine(150)
        for _ in range(2):
            shown = await server.payments(ADDRESS)
            seen.append((await server.tip_height() - chain.height(0), len(shown)))
            await asyncio.sleep(1000)
        return seen

    assert runner.run(asked()) == [(1, 0), (2, 1)]
