"""Processes whose clock is wrong beside honest ones, as `./run faketime` drives them.

Not one of `./run test`: it needs libfaketime.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import httpx
import pytest

from app.runtime.db.engine import Database
from tests.chaos.crashes import everything_at_once
from tests.support.application import BTC_DEST_ADDRESS
from tests.support.orders import count
from tests.support.people import PASSWORD, Person, make_user
from tests.support.processes import Process, free_port
from tests.support.sandbox import Upstream, serving_upstream
from tests.support.server import learn_parameters
from tests.support.wrong_clock import remove_left_behind, shifted

SKEWS: Final = ("+1h", "-1h", "+1d", "-1d")
CREDITS: Final = 10
SEED: Final = 1


@pytest.fixture(autouse=True)
def _nothing_left_behind() -> Iterator[None]:
    yield
    remove_left_behind()


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


async def test_wrong_clocks_beside_a_right_one_harm_no_order(
    database_url: str, committed_database: Database, tmp_path: Path
) -> None:
    now = datetime.now(UTC)
    await learn_parameters(committed_database, now)
    buyer = await make_user(committed_database, now)
    async with AsyncExitStack() as stack:
        upstream = await stack.enter_async_context(serving_upstream())
        http = await stack.enter_async_context(httpx.AsyncClient(trust_env=False, timeout=30))
        await upstream.press("auto", step_seconds=0)

        async def start(command: str, by: str = "") -> str:
            fake = shifted(by) if by else {}
            folder = tmp_path / f"{command}{by}"
            process = running(command, database_url, upstream, folder, **fake)
            return await stack.enter_async_context(process)

        async with asyncio.TaskGroup() as group:
            starting = group.create_task(start("serve"))
            serves = {by: group.create_task(start("serve", by)) for by in SKEWS}
            workers = [group.create_task(start("worker", by)) for by in SKEWS]
        serve = starting.result()
        wrong_serves = {by: started.result() for by, started in serves.items()}
        wrong = [*wrong_serves.values(), *(started.result() for started in workers)]
        for url in [serve, *wrong_serves.values()]:
            await place(http, url, buyer)
        orders = 1 + len(SKEWS)
        # Those that are wrong have them for themselves for a while, and leave them alone.
        await check_ready(http, [serve], wrong)
        assert await count(committed_database, "orders", "status = 'TO_BE_CREATED'") == orders
        worker = await start("worker")
        ended = await until_granted(committed_database)
        await check_ready(http, [serve, worker], wrong)
        for by, url in wrong_serves.items():
            await check_throttle(http, url, serve, by)
        stats = await upstream.stats()
    assert ended == {"BTC_SENT": orders, "FAILED": 0}
    assert stats["over_limit"] == 0


@pytest.mark.parametrize(
    ("orders", "kills", "restarts"),
    [
        pytest.param(40, 5, 1, id="short"),
        pytest.param(500, 60, 10, id="R05", marks=pytest.mark.long),
    ],
)
async def test_nothing_is_lost_or_doubled_when_all_breaks_and_one_replica_is_an_hour_ahead(
    orders: int, kills: int, restarts: int
) -> None:
    verdict = await everything_at_once(
        SEED, orders, kills, restarts, clock_of_the_last=shifted("+1h")
    )
    print(verdict)  # noqa: T201
    assert verdict.is_clean
    assert verdict.orders >= orders
