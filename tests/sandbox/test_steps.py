"""The chain stays whole whatever steps are taken, and the steps alone make it again."""

import random
from contextlib import suppress

from app.sandbox.chain import Begin, Chain, Conflict, Disconnect, Drop, Mine, Pay, Step
from app.sandbox.orders import NotPossible
from tests.sandbox.conftest import DESTINATION
from tests.support.cases import each_case


def any_step(chance: random.Random, chain: Chain) -> Step:
    """Choose a step, sometimes one that is not possible."""
    some = chance.choice(list(chain.transactions))
    waiting = chance.choice([*chain.mempool, some])
    payments = ((DESTINATION, chance.randrange(1, 10**9)),)
    at = 1_547_000_000
    return chance.choice(
        (
            Pay(payments),
            Pay(payments, "memo"),
            Conflict(waiting, payments),
            Drop((waiting,)),
            Mine(at, chance.randrange(3), empty=chance.random() < 0.3),
            Disconnect(chance.randrange(6)),
        )
    )


def check(chain: Chain) -> None:
    """Every transaction is in a block or waits, and the indexes say what the transactions say."""
    assert chain.tip >= 0
    assert chain.block_heights == {block.hash: block.height for block in chain.blocks}
    assert set(chain.transactions) == set(chain.heights) | set(chain.mempool)
    assert not set(chain.heights) & set(chain.mempool)
    for block in chain.blocks:
        assert all(chain.heights[txid] == block.height for txid in block.txids)
    spends = {}
    for transaction in chain.transactions.values():
        assert transaction.fee >= 0
        for vin, spending in enumerate(transaction.inputs):
            assert (spending.txid, spending.vout) not in spends
            spends[spending.txid, spending.vout] = (transaction.txid, vin)
            source = chain.transactions[spending.txid]
            assert source.outputs[spending.vout] == spending.prevout
    assert chain.spends == spends
    for script, txids in chain.touching.items():
        assert all(script in chain.transactions[txid].scripts for txid in txids)


@each_case("seed", range(5))
def test_any_steps_leave_a_whole_chain_that_they_alone_make_again(seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 - a replay, not a secret
    chain = Chain("secret")
    taken: list[Step] = [Begin(1_547_000_000, 0)]
    chain.apply(taken[0])
    for _ in range(150):
        step = any_step(chance, chain)
        with suppress(NotPossible):
            chain.apply(step)
            taken.append(step)
        check(chain)
    again = Chain("secret")
    for step in taken:
        again.apply(step)
    assert again.blocks == chain.blocks
    assert again.transactions == chain.transactions
    assert list(again.mempool) == list(chain.mempool)
