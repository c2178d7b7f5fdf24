"""Three replicas are killed, stopped and cut off for some seconds, and every credit is right."""

import asyncio
from random import Random

from tests.chaos.breaking import Breaker, sampling
from tests.chaos.callers import Callers
from tests.chaos.deployment import deployed
from tests.chaos.verdict import judge

SEED = 20


async def test_credits_are_granted_exactly_once_whatever_is_killed_stopped_or_restarted() -> None:
    chance = Random(SEED)  # noqa: S311  a replay
    async with deployed(3, seed=SEED) as deployment:
        callers = await Callers.arrive(deployment, chance, credits_given=5)
        breaker = Breaker(deployment, chance)
        await deployment.upstream.press("auto", enabled=True, step_seconds=0.3)
        async with sampling(deployment) as seen:
            await breaker.spoil_answers()
            async with asyncio.TaskGroup() as group:
                group.create_task(callers.buy_many(40, per_second=5))
                group.create_task(_break(breaker))
                for _ in range(8):
                    group.create_task(callers.assess())
                    await asyncio.sleep(chance.uniform(0.1, 1))
            verdict = await judge("short", callers, breaker, seen, settle_seconds=20)
    print(verdict)  # noqa: T201  the seed replays it
    assert verdict.is_clean
    assert verdict.orders >= len(callers.promised) > 20


async def _break(breaker: Breaker) -> None:
    await breaker.kill()
    await breaker.lie()
    async with asyncio.TaskGroup() as group:
        group.create_task(breaker.stop(3))
        await breaker.terminate_backends()
        await breaker.kill()
        await breaker.restart_postgres()
