"""Processes whose clock is wrong beside honest ones, as `./run faketime` drives them.

Not one of `./run test`: it needs libfaketime. It shifts the wall clock alone: the monotonic clock,
which timers of the event loop go by, is nobody's to set.
"""

import asyncio
import shutil
import subprocess
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import httpx
import pytest

from app.db.engine import Database
from tests.support.application import BTC_DEST_ADDRESS
from tests.support.orders import count
from tests.support.people import PASSWORD, Person, make_user
from tests.support.processes import Process, free_port
from tests.support.sandbox import Upstream, serving_upstream
from tests.support.server import learn_parameters

SKEWS: Final = {"+1h": 3600, "-1h": -3600, "+1d": 86_400, "-1d": -86_400}
ORDERS: Final = 6
CREDITS: Final = 10


def shifted(by: str) -> dict[str, str]:
    """Return the environment in which a process reads another time."""
    faketime = shutil.which("faketime")
    assert faketime is not None, "needs faketime (Debian's package of that name)"
    done = subprocess.run(  # noqa: S603
        [faketime, "-f", by, "env"], capture_output=True, text=True, check=True
    )
    [library] = [line for line in done.stdout.splitlines() if line.startswith("LD_PRELOAD=")]
    return {
        "LD_PRELOAD": library.partition("=")[2],
        "FAKETIME": by,
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }


@asynccontextmanager
async def running(
    command: str, url: str, upstream: Upstream, folder: Path, **settings: str
) -> AsyncIterator[str]:
    """Run a process of Assay beside the body; yield where it answers, once it lives."""
    await asyncio.to_thread(folder.mkdir)
    port = free_port()
    process = Process(
        command,
        folder=folder,
        ASSAY_PORT=str(port),
        ASSAY_DATABASE_URL=url,
        ASSAY_RUN_WORKER="false",
        ASSAY_BTC_DEST_ADDRESS=BTC_DEST_ADDRESS,
        ASSAY_AEONTO_BASE_URL=upstream.base_url,
        ASSAY_AEONTO_RATE_SCALE="1000",
        **settings,
    )
    process.start()
    try:
        await process.until_ready(f"http://127.0.0.1:{port}/healthz")
        yield f"http://127.0.0.1:{port}"
    finally:
        process.end()


async def place(http: httpx.AsyncClient, url: str, buyer: Person) -> None:
    """Place an order that must be taken."""
    order = {
        "number_of_credits": CREDITS,
        "payment_coin": "Aeon",
        "payment_network": "AEON",
        "order_is_for_self": True,
    }
    answer = await http.post(f"{url}/api/new_order", json=order, headers=buyer.headers)
    assert answer.status_code == 201, answer.text


async def log_in(http: httpx.AsyncClient, url: str, email: str, password: str) -> httpx.Response:
    return await http.post(f"{url}/api/login", json={"email": email, "password": password})


async def check_ready(http: httpx.AsyncClient, honest: list[str], wrong: list[str]) -> None:
    """Those whose clock is right become ready; the others say why they are not."""
    for url in honest:
        assert (await http.get(f"{url}/readyz")).json()["reasons"] == []
    for url in wrong:
        answer = await http.get(f"{url}/readyz")
        assert answer.status_code == 503
        [reason] = answer.json()["reasons"]
        assert reason.startswith("the clock of this machine is "), reason


async def check_throttle(http: httpx.AsyncClient, wrong: str, honest: str, by: str) -> None:
    """Whoever guessed at the one whose clock is wrong waits a minute at most, at either."""
    email = f"guessed{by[1:]}{'a' if by[0] == '+' else 'b'}@example.com"
    credentials = {"email": email, "password": PASSWORD}
    assert (await http.post(f"{honest}/api/register", json=credentials)).is_success
    for url in (wrong, honest):
        assert (await log_in(http, url, email, PASSWORD)).is_success
    guesses: list[httpx.Response] = []
    while not guesses or guesses[-1].status_code != 429:
        guesses.append(await log_in(http, wrong, email, f"{PASSWORD} not"))
        assert len(guesses) < 50
    refused = [guesses[-1], await log_in(http, honest, email, PASSWORD)]
    for answer in refused:
        assert answer.status_code in (200, 429)
        assert int(answer.headers.get("Retry-After", 0)) <= 60


async def until_granted(database: Database) -> dict[str, Any]:
    """Wait until no order is on its way; return how many there are of each state."""
    async with asyncio.timeout(60):
        while await count(database, "orders", "status NOT IN ('BTC_SENT', 'FAILED')"):
            await asyncio.sleep(0.1)
    return {
        status: await count(database, "orders", f"status = '{status}'")
        for status in ("BTC_SENT", "FAILED")
    }


@pytest.mark.parametrize("by", SKEWS)
async def test_wrong_clock_beside_a_right_one_harms_no_order(
    by: str, database_url: str, committed_database: Database, tmp_path: Path
) -> None:
    now = datetime.now(UTC)
    await learn_parameters(committed_database, now)
    buyer = await make_user(committed_database, now)
    fake = shifted(by)
    began = time.monotonic()
    async with (
        serving_upstream() as upstream,
        httpx.AsyncClient(trust_env=False, timeout=30) as http,
        running("serve", database_url, upstream, tmp_path / "a") as serve,
        running("serve", database_url, upstream, tmp_path / "b", **fake) as wrong_serve,
        running("worker", database_url, upstream, tmp_path / "c", **fake) as wrong_worker,
    ):
        await upstream.press("auto", step_seconds=0)
        for number in range(ORDERS):
            await place(http, (serve, wrong_serve)[number % 2], buyer)
        # The one that is wrong has them for itself for a while, and leaves them alone.
        await check_ready(http, [serve], [wrong_serve, wrong_worker])
        assert await count(committed_database, "orders", "status = 'TO_BE_CREATED'") == ORDERS
        async with running("worker", database_url, upstream, tmp_path / "d") as worker:
            ended = await until_granted(committed_database)
            await check_ready(http, [serve, worker], [wrong_serve, wrong_worker])
        await check_throttle(http, wrong_serve, serve, by)
        stats = await upstream.stats()
    assert ended == {"BTC_SENT": ORDERS, "FAILED": 0}
    assert stats["over_limit"] == 0
    print(f"{by}: {ORDERS} orders granted after {time.monotonic() - began:.1f} s")  # noqa: T201
