"""What every scenario begins with: a deployment, callers, a breaker, and eyes that stay open."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from random import Random
from typing import Any

from tests.chaos.breaking import Breaker, sampling
from tests.chaos.callers import Callers
from tests.chaos.deployment import SCALED, Deployment, deployed
from tests.chaos.verdict import Verdict, judge
from tests.support.sandbox import Upstream


@dataclass
class Stage:
    """Where a scenario plays. `wrong` gathers what it expected and did not see."""

    deployment: Deployment
    callers: Callers
    breaker: Breaker
    chance: Random
    seen: dict[str, list[str]]
    wrong: list[str] = field(default_factory=list)

    @property
    def upstream(self) -> Upstream:
        """The sandbox's controls."""
        return self.deployment.upstream

    def expect(self, fact: bool, otherwise: str) -> None:
        """Note what is wrong unless a fact holds."""
        if not fact:
            self.wrong.append(otherwise)

    async def verdict(self, scenario: str, **given: Any) -> Verdict:  # noqa: ANN401  as `judge` takes
        """End the faults and judge."""
        verdict = await judge(scenario, self.callers, self.breaker, self.seen, **given)
        verdict.wrong += self.wrong
        return verdict


@asynccontextmanager
async def on_stage(
    seed: int,
    *,
    replicas: int = 3,
    scale: int = SCALED,
    credits_given: int = 0,
    bitcoin_descriptor: str | None = None,
    clock_of_the_last: Mapping[str, str] | None = None,
    **settings: str,
) -> AsyncIterator[Stage]:
    """Set everything up for one scenario, as `deployed` does, and take it down afterwards."""
    chance = Random(seed)  # noqa: S311  a replay
    async with deployed(
        replicas,
        scale=scale,
        seed=seed,
        bitcoin_descriptor=bitcoin_descriptor,
        clock_of_the_last=clock_of_the_last,
        **settings,
    ) as deployment:
        callers = await Callers.arrive(deployment, chance, credits_given=credits_given)
        async with sampling(deployment) as seen:
            yield Stage(deployment, callers, Breaker(deployment, chance), chance, seen)
