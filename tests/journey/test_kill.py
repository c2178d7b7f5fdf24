"""The journey goes on after `kill -9` between any two of its steps, with the same balances."""

import shutil
import signal
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.journey.buyer import CREDITS, Buyer
from tests.support.application import BTC_DEST_ADDRESS
from tests.support.processes import Process, free_port

# The journey alone stays below the real limits; the demos of many restarts would not.
RATE_SCALE = "100"


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that the user of the embedded server may enter, as pytest's own may not be."""
    folder = Path(tempfile.mkdtemp(prefix="assay-journey-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
async def dev(open_folder: Path) -> AsyncIterator[tuple[Process, str]]:
    """`assay dev`, with everything of its own."""
    port = str(free_port())
    process = Process(
        "dev", folder=open_folder, ASSAY_PORT=port, ASSAY_AEONTO_RATE_SCALE=RATE_SCALE
    )
    yield process, f"http://127.0.0.1:{port}"
    process.end()


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
    )
    yield process, f"http://127.0.0.1:{port}"
    process.end()
    sandbox.end()


async def _go_with_kills(process: Process, url: str) -> None:
    buyer = Buyer(url)
    for step in buyer.steps():
        process.start()
        await process.until_ready(f"{url}/readyz")
        await step()
        process.end(signal.SIGKILL)
    process.start()
    await process.until_ready(f"{url}/readyz")
    assert await buyer.credits_available() == CREDITS - 1
    assert await buyer.assessment_status() == "ready"
    assert process.run_json("audit")["breaches"] == []
    assert process.end(signal.SIGTERM) == 0


async def test_dev_finishes_the_journey_after_kills(dev: tuple[Process, str]) -> None:
    await _go_with_kills(*dev)


async def test_serve_finishes_the_journey_after_kills(serve: tuple[Process, str]) -> None:
    await _go_with_kills(*serve)
