"""Three replicas are killed, stopped and cut off for some seconds, and every credit is right.

A third of the orders are in bitcoin, on a chain whose blocks are taken back.
"""

import asyncio
from random import Random

from tests.chaos.breaking import Breaker, sampling
from tests.chaos.callers import Callers
from tests.chaos.deployment import deployed
from tests.chaos.in_bitcoin import Payers
from tests.chaos.verdict import judge
from tests.orders.wallet.keys import BIP84_ZPUB

SEED = 20


async def test_credits_are_granted_exactly_once_whatever_is_killed_stopped_or_restarted() -> None:
    chance = Random(SEED)  # noqa: S311  a replay
    async with deployed(3, seed=SEED, bitcoin_descriptor=BIP84_ZPUB) as deployment:
        callers = await Callers.arrive(deployment, chance, credits_given=5)
        breaker = Breaker(deployment, chance)
        payers = Payers(callers, breaker, block_seconds=1, glances=10)
        await deployment.upstream.press("auto", enabled=True, step_seconds=0.3)
        async with sampling(deployment) as seen:
            await breaker.spoil_answers()
            async with asyncio.TaskGroup() as group:
                group.create_task(callers.buy_many(26, per_second=4))
                group.create_task(payers.buy_many(14, per_second=2))
                group.create_task(_break(breaker))
                for _ in range(8):
                    group.create_task(callers.assess())
                    await asyncio.sleep(chance.uniform(0.1, 1))
            verdict = await judge(
                "short", callers, breaker, seen, settle_seconds=120, paid_in_bitcoin=payers.paid
            )
    print(verdict, payers.summary())  # noqa: T201  the seed replays it
    assert verdict.is_clean
    assert not payers.early
    assert len(payers.paid) > 7
    assert verdict.orders >= len(callers.promised) > 20


async def _break(breaker: Breaker) -> None:
    await breaker.kill()
    await breaker.lie()
    async with asyncio.TaskGroup() as group:
        group.create_task(breaker.stop(3))
        group.create_task(breaker.lag(2))
        await breaker.terminate_backends()
        await breaker.reorganise()
        await breaker.kill()
        await breaker.restart_postgres()
        await breaker.reorganise()
