"""`assay dev` as a newcomer starts it, in a folder of its own."""

import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

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
