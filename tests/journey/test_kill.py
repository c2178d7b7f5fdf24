"""The journey goes on after `kill -9` between any two of its steps, with the same balances.

By default one coin for each of the two commands, and a kill after every second or third step;
`--all` adds `assay dev` with AEON, and kills after every step.
"""

import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from app.cli.demo import Coin
from tests.journey.buyer import CREDITS, Buyer
from tests.journey.conftest import RATE_SCALE
from tests.support.application import BTC_DEST_ADDRESS
from tests.support.processes import Process, free_port


@pytest.fixture
async def serve(tmp_path: Path, database_url: str) -> AsyncIterator[tuple[Process, str]]:
    """`assay serve` beside a living `assay sandbox`."""
    port, sandbox_port = str(free_port()), str(free_port())
    sandbox = Process(
        "sandbox",
        "--auto",
        "--port",
        sandbox_port,
        folder=tmp_path,
        ASSAY_AEONTO_RATE_SCALE=RATE_SCALE,
    )
    sandbox.start()
    await sandbox.until_ready(f"http://127.0.0.1:{sandbox_port}/")
    process = Process(
        "serve",
        folder=tmp_path,
        ASSAY_PORT=port,
        ASSAY_AEONTO_RATE_SCALE=RATE_SCALE,
        ASSAY_DATABASE_URL=database_url,
        ASSAY_BTC_DEST_ADDRESS=BTC_DEST_ADDRESS,
        ASSAY_AEONTO_BASE_URL=f"http://127.0.0.1:{sandbox_port}/api/v3/aeon2btc/",
        ASSAY_ESPLORA_URL=",".join(
            f"http://127.0.0.1:{sandbox_port}/{view}" for view in ("esplora", "esplora2")
        ),
    )
    yield process, f"http://127.0.0.1:{port}"
    process.end()
    sandbox.end()


async def _go_with_kills(process: Process, url: str, coin: Coin, *, steps_between: int) -> None:
    async def start() -> None:
        process.start()
        await process.until_ready(f"{url}/readyz")

    buyer = Buyer(url, coin)
    await start()
    for number, step in enumerate(buyer.steps(), start=1):
        await step()
        if number % steps_between == 0:
            process.end(signal.SIGKILL)
            await start()
    assert await buyer.credits_available() == CREDITS - 1
    assert await buyer.assessment_status() == "ready"
    assert process.run_json("audit")["breaches"] == []
    assert process.end(signal.SIGTERM) == 0


@pytest.mark.parametrize("coin", [pytest.param(Coin.AEON, marks=pytest.mark.long), Coin.BTC])
async def test_dev_finishes_the_journey_after_kills(
    dev: tuple[Process, str], coin: Coin, everything: bool
) -> None:
    await _go_with_kills(*dev, coin, steps_between=1 if everything else 2)


async def test_serve_finishes_the_journey_after_kills(
    serve: tuple[Process, str], everything: bool
) -> None:
    await _go_with_kills(*serve, Coin.AEON, steps_between=1 if everything else 3)
