"""The lag of the event loop: measured beside the work, and only for as long as it is wanted."""

import asyncio
import time

from app.runtime.observability.event_loop import lag_observed
from app.runtime.observability.metrics import Metrics


def sample(metrics: Metrics, name: str) -> float:
    return metrics.registry.get_sample_value(f"assay_event_loop_lag_seconds_{name}") or 0.0


async def test_what_blocks_the_loop_is_measured() -> None:
    metrics = Metrics()
    async with lag_observed(metrics):
        await asyncio.sleep(0.01)
        time.sleep(0.1)  # noqa: ASYNC251  the fault that is to be seen
        await asyncio.sleep(0.01)
    assert sample(metrics, "sum") >= 0.04
    seen = sample(metrics, "count")
    await asyncio.sleep(0.07)
    assert sample(metrics, "count") == seen
