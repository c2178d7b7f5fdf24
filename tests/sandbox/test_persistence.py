"""A sandbox that is killed goes on where it was."""

import asyncio
import sqlite3
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from app.sandbox import create_sandbox
from tests.sandbox.conftest import DESTINATION, FakeClock, Harness, serving

# Serves until it is killed, at a time that stands still; prints its base URL.
SERVER = """
import asyncio, sys
from pathlib import Path
from app.sandbox import create_sandbox, serve_sandbox
from tests.sandbox.conftest import FakeClock

async def main():
    app = create_sandbox(state_path=Path(sys.argv[1]), creation_delay_seconds=0, clock=FakeClock())
    async with serve_sandbox(app) as base:
        print(base, flush=True)
        await asyncio.Event().wait()

asyncio.run(main())
"""


@asynccontextmanager
async def process(path: Path) -> AsyncGenerator[Harness]:
    """Serve from a process of its own, which is killed at the end."""
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        SERVER,
        str(path),
        stdout=asyncio.subprocess.PIPE,
        cwd=Path(__file__).parents[2],
    )
    assert child.stdout is not None
    base = (await child.stdout.readline()).decode().strip()
    async with httpx.AsyncClient(timeout=60) as http:
        yield Harness(http, base, FakeClock())
        child.kill()
        await child.wait()


async def test_killed_sandbox_goes_on_with_the_same_orders(tmp_path: Path) -> None:
    path = tmp_path / "new" / "sandbox.sqlite"
    async with process(path) as sandbox:
        uuid = await sandbox.order()
        await sandbox.control(f"orders/{uuid}/pay", {"amount": "1.5"})
        await sandbox.control(f"orders/{uuid}/lie", {"field": "uuid", "value": "x"})
        await sandbox.control("clock", {"advance_seconds": 100})
        before = await sandbox.show(uuid)
    async with process(path) as sandbox:
        after = await sandbox.show(uuid)
        said = await sandbox.look(uuid)
        second = await sandbox.order()
        stats = await sandbox.stats()
    assert after == before
    assert (said["state"], said["uuid"]) == ("UNDERPAID", "x")
    assert said["seconds_till_timeout"] == 800
    assert second != uuid
    assert stats["endpoints"]["order_create"]["requests"] == 2


async def test_killed_sandbox_goes_on_with_the_same_chain(tmp_path: Path) -> None:
    path = tmp_path / "sandbox.sqlite"
    sent = {"address": DESTINATION, "satoshi": 5000}
    async with process(path) as sandbox:
        await sandbox.control("chain/pace", {"every_seconds": None})
        txid = (await sandbox.control("chain/send", sent))["txid"]
        await sandbox.control("chain/mine", {"blocks": 2})
        again = (await sandbox.control("chain/send", sent))["txid"]
        await sandbox.control("chain/replace", {"txid": again})
        await sandbox.control("chain/reorganise", {"depth": 2, "transactions": "vanish"})
        await sandbox.control("chain/disagree", {"txid": txid, "how": "less"})
        before = await sandbox.control("chain/lag", {"blocks": 1})
    async with process(path) as sandbox:
        after = (await sandbox.http.get(f"{sandbox.root}/control/chain")).json()
        following = (await sandbox.control("chain/send", sent))["txid"]
    assert after == before
    assert following not in (txid, *before["mempool"])


async def test_automatic_mode_goes_on_while_the_sandbox_is_down(tmp_path: Path) -> None:
    clock = FakeClock()
    path = tmp_path / "sandbox.sqlite"
    app = create_sandbox(state_path=path, clock=clock, auto=True, auto_step_seconds=5)
    async with serving(app, clock) as sandbox:
        uuid = await sandbox.order()
    clock.wall += timedelta(hours=1)
    async with serving(create_sandbox(state_path=path, clock=clock), clock) as sandbox:
        said = await sandbox.look(uuid)
    assert (said["state"], said["btc_num_confirmations"]) == ("BTC_SENT", 6)


async def test_same_seed_gives_the_same_names() -> None:
    names = []
    for seed in (5, 5, 6):
        clock = FakeClock()
        async with serving(create_sandbox(seed=seed, clock=clock), clock) as sandbox:
            uuid = await sandbox.order()
            names.append((uuid, (await sandbox.look(uuid))["receiving_integrated_address"]))
    assert names[0] == names[1] != names[2]


async def test_file_that_is_no_sandbox_state_is_refused_at_the_start(tmp_path: Path) -> None:
    path = tmp_path / "sandbox.sqlite"
    path.write_bytes(b"not a database, certainly" * 100)
    with pytest.raises(sqlite3.DatabaseError):
        create_sandbox(state_path=path)
