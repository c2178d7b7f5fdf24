"""A sandbox that is killed goes on where it was."""

import asyncio
import os
import signal
import sqlite3
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest

from app.sandbox import create_sandbox, serve_sandbox
from tests.sandbox.conftest import DESTINATION, FakeClock

ORDER = {"btc_dest_address": DESTINATION, "btc_amount": 0.1}

# Serves until it is killed; prints its base URL.
SERVER = """
import asyncio, sys
from pathlib import Path
from app.sandbox import create_sandbox, serve_sandbox

async def main():
    app = create_sandbox(state_path=Path(sys.argv[1]), creation_delay_seconds=0)
    async with serve_sandbox(app) as base:
        print(base, flush=True)
        await asyncio.Event().wait()

asyncio.run(main())
"""


async def start(path: Path) -> tuple[asyncio.subprocess.Process, str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", SERVER, str(path), stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    return process, (await process.stdout.readline()).decode().strip()


async def kill(process: asyncio.subprocess.Process) -> None:
    os.kill(process.pid, signal.SIGKILL)
    await process.wait()


async def test_killed_sandbox_goes_on_with_the_same_orders(tmp_path: Path) -> None:
    path = tmp_path / "new" / "sandbox.sqlite"
    process, base = await start(path)
    async with httpx.AsyncClient(base_url=base) as http:
        uuid = (await http.post("order_create/", json=ORDER)).json()["uuid"]
        await http.post(f"/control/orders/{uuid}/pay", json={"amount": "1.5"})
        await http.post(f"/control/orders/{uuid}/lie", json={"field": "uuid", "value": "x"})
        await http.post("/control/clock", json={"advance_seconds": 100})
        before = (await http.get(f"/control/orders/{uuid}")).json()
        await kill(process)
    process, base = await start(path)
    async with httpx.AsyncClient(base_url=base) as http:
        after = (await http.get(f"/control/orders/{uuid}")).json()
        said = (await http.post("order_status_query/", json={"uuid": uuid})).json()
        second = (await http.post("order_create/", json=ORDER)).json()["uuid"]
        stats = (await http.get("/control/stats")).json()
        await kill(process)
    assert after == before
    assert (said["state"], said["uuid"]) == ("UNDERPAID", "x")
    assert 790 <= said["seconds_till_timeout"] <= 800
    assert second != uuid
    assert stats["endpoints"]["order_create"]["requests"] == 2


async def served_once(path: Path, clock: FakeClock, *, auto: bool) -> dict[str, Any]:
    app = create_sandbox(state_path=path, clock=clock, auto=auto, auto_step_seconds=5)
    async with serve_sandbox(app) as base, httpx.AsyncClient(base_url=base) as http:
        stats: dict[str, Any] = (await http.get("/control/stats")).json()
        if not stats["orders"]:
            await http.post("order_create/", json=ORDER)
    return stats


async def test_automatic_mode_goes_on_while_the_sandbox_is_down(tmp_path: Path) -> None:
    clock = FakeClock()
    path = tmp_path / "sandbox.sqlite"
    await served_once(path, clock, auto=True)
    clock.wall = clock.wall.replace(hour=13)
    stats = await served_once(path, clock, auto=False)
    assert stats["states"]["BTC_SENT"] == 1


async def test_same_seed_gives_the_same_names() -> None:
    names = []
    for seed in (5, 5, 6):
        app = create_sandbox(seed=seed, clock=FakeClock(), creation_delay_seconds=0)
        async with serve_sandbox(app) as base, httpx.AsyncClient(base_url=base) as http:
            uuid = (await http.post("order_create/", json=ORDER)).json()["uuid"]
            said = (await http.post("order_status_query/", json={"uuid": uuid})).json()
        names.append((uuid, said["receiving_integrated_address"]))
    assert names[0] == names[1] != names[2]


async def test_file_that_is_no_sandbox_state_is_refused_at_the_start(tmp_path: Path) -> None:
    path = tmp_path / "sandbox.sqlite"
    path.write_bytes(b"not a database, certainly" * 100)
    with pytest.raises(sqlite3.DatabaseError):
        create_sandbox(state_path=path)
