"""Runs the loops in one of several processes of a machine: in the one that holds the lock of a file.

The kernel gives the lock back when that process ends, however it ends; then another one goes on.
"""

import asyncio
import fcntl
import os
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import IO, Final

from app.resources import Resources
from app.runtime.background import running_beside
from app.runtime.observability.logging import get_logger
from app.worker.run import worker_running

log = get_logger(__name__)

_LOOK_SECONDS: Final = 1.0


@asynccontextmanager
async def loops_in_one_process(
    resources: Resources, lock: Path
) -> AsyncIterator[Callable[[], list[str]]]:
    """Run the loops beside the body once no other process holds `lock`.

    Yields what names those of them that are silent.
    """
    silent: list[Callable[[], list[str]]] = []
    with lock.open("a") as file:
        async with AsyncExitStack() as stack:
            taking = _take_over(resources, file, stack, silent)
            await stack.enter_async_context(running_beside(taking, "taking over the loops"))
            yield lambda: [name for names in silent for name in names()]


async def _take_over(
    resources: Resources,
    file: IO[str],
    stack: AsyncExitStack,
    silent: list[Callable[[], list[str]]],
) -> None:
    while not _locked(file):  # noqa: ASYNC110  only the kernel knows when the holder ends
        await asyncio.sleep(_LOOK_SECONDS)
    log.info("loops_run_here", pid=os.getpid())
    heartbeats = await stack.enter_async_context(worker_running(resources))
    silent.append(heartbeats.silent)


def _locked(file: IO[str]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
