"""Assay with a real standby that is promoted, and on a disk that is really full: `./run failover`.

Not one of `./run test`: it starts PostgreSQL servers of its own, and mounts a small file system, which
needs root.
"""

import asyncio
import signal
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Final

import asyncpg
import httpx
import pytest

from app.cli.demo import Coin
from app.runtime.db.migrate import upgrade
from tests.failover.postgres import Postgres, fill, folder_of_server, running, small_disk, url_of
from tests.journey.buyer import IN_COIN, Buyer
from tests.support.sandbox import Upstream, serving_upstream
from tests.support.served import Service, serving

ORDER: Final = {"number_of_credits": 10, "order_is_for_self": True, **IN_COIN[Coin.AEON]}
MANY_ORDERS: Final = 2_000
MANY_SEGMENTS: Final = 50
AWAY: Final = "the database does not answer"
STANDBY: Final = "the database takes no changes: it is a standby"
REFUSED: Final = "the database refused a change a moment ago; the log says why"


@pytest.fixture
async def upstream() -> AsyncIterator[Upstream]:
    """A sandbox whose buttons nobody presses."""
    async with serving_upstream() as served:
        yield served


@pytest.fixture(scope="module")
async def made() -> AsyncIterator[Postgres]:
    """A server that has ended, with a database of Assay's schema."""
    with folder_of_server() as folder:
        server = Postgres(folder)
        server.make()
        async with running(server):
            await server.ask("CREATE DATABASE assay")
            await asyncio.to_thread(upgrade, url_of(server))
            server.end(signal.SIGINT)
        yield server


@pytest.fixture
async def pair(made: Postgres) -> AsyncIterator[tuple[Postgres, Postgres]]:
    """A primary, and a hot standby that has all of it."""
    with folder_of_server() as first, folder_of_server() as second:
        primary, standby = Postgres(first), Postgres(second)
        primary.take(made)
        async with running(primary):
            standby.copy(primary)
            async with running(standby):
                yield primary, standby


async def replicated(primary: Postgres, standby: Postgres) -> None:
    """Wait until the standby has replayed what the primary has written so far."""
    written = await primary.ask("SELECT pg_current_wal_lsn()::text")
    replayed = f"SELECT pg_last_wal_replay_lsn() >= '{written}'"
    async with asyncio.timeout(30):
        while not await standby.ask(replayed):
            await asyncio.sleep(0.02)


async def reasons(service: Service) -> list[str]:
    answer = await service.get("/readyz")
    said: dict[str, Any] = answer.json()
    assert answer.status_code == (503 if said["reasons"] else 200)
    return list(said["reasons"])


async def read(service: Service, buyer: Buyer) -> httpx.Response:
    async with httpx.AsyncClient(trust_env=False, timeout=60) as http:
        return await http.get(f"{service.base_url}/api/orders", headers=buyer.headers)


async def order(service: Service, buyer: Buyer) -> httpx.Response:
    async with httpx.AsyncClient(trust_env=False, timeout=60) as http:
        return await http.post(
            f"{service.base_url}/api/new_order", json=ORDER, headers=buyer.headers
        )


def refusal(answer: httpx.Response) -> str:
    """Return the code of an answer that must be 503 and say when to come again."""
    assert answer.status_code == 503, answer.text
    assert int(answer.headers["Retry-After"]) > 0
    code: str = answer.json()["code"]
    return code


def faults(service: Service) -> list[dict[str, Any]]:
    """Return what the service logged and did not expect."""
    bad = {"unhandled_fault", "tick_failed", "job_failed", "loop_died"}
    return [event for event in service.events() if event["event"] in bad]


async def test_services_answer_503_without_a_primary_and_serve_at_once_from_the_promoted_standby(
    pair: tuple[Postgres, Postgres], upstream: Upstream, tmp_path: Path
) -> None:
    primary, standby = pair
    folders = [tmp_path / "seeking", tmp_path / "staying"]
    for folder in folders:
        folder.mkdir()
    either = url_of(primary, standby, target_session_attrs="read-write")
    nearest = url_of(standby, primary)
    async with (
        serving(either, upstream, folders[0]) as seeking,
        serving(nearest, upstream, folders[1], until="/healthz") as staying,
    ):
        buyer = Buyer(seeking.base_url)
        await buyer.sign_up()
        placed = (await order(seeking, buyer)).json()["order_id"]
        await replicated(primary, standby)
        for _ in range(12):  # more than the pool has connections
            assert refusal(await order(staying, buyer)) == "database_read_only"
        assert await reasons(staying) == [STANDBY]

        primary.end()
        assert refusal(await order(seeking, buyer)) == "database_away"
        assert await reasons(seeking) == [AWAY]
        assert (await read(staying, buyer)).status_code == 200, "what only reads goes on"

        assert await standby.ask("SELECT pg_promote()")
        promoted = time.monotonic()
        for service in (seeking, staying):
            assert (await order(service, buyer)).status_code == 201
            assert await reasons(service) == []
        print(f"both healthy {time.monotonic() - promoted:.2f} s after promotion")  # noqa: T201
        await upstream.press("auto", step_seconds=0)
        await buyer.wait_until(placed, lambda one: one["status"] == "BTC_SENT")
        assert staying.process.run_json("audit")["breaches"] == []
    assert not [*faults(seeking), *faults(staying)]


async def until_refused(service: Service, buyer: Buyer) -> str:
    """Place orders until there is no room for one; return the code of the refusal."""
    for _ in range(MANY_ORDERS):
        answer = await order(service, buyer)
        if answer.status_code != 201:
            return refusal(answer)
    raise AssertionError("there was always room")


async def use_up_segments(server: Postgres) -> None:
    """Write WAL until there is no room for another segment of it, and the server gives up."""
    try:
        for _ in range(MANY_SEGMENTS):
            await server.ask("SELECT pg_logical_emit_message(true, 'assay', 'one more')")
            await server.ask("SELECT pg_switch_wal()")
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
        return
    raise AssertionError("there was always room")


async def until_ready(service: Service, server: Postgres) -> float:
    """Start the server again where it ended, as its supervisor does; return the seconds it took."""
    began = time.monotonic()
    async with asyncio.timeout(120):
        while await reasons(service):
            if server.has_ended():
                await server.start()
            await asyncio.sleep(0.1)
    return time.monotonic() - began


async def test_full_disks_are_503_and_not_ready_until_there_is_room(
    made: Postgres, upstream: Upstream, tmp_path: Path
) -> None:
    with (
        small_disk(megabytes=160) as disk_of_log,
        small_disk(megabytes=48) as disk_of_tables,
        folder_of_server(disk_of_log) as folder,
    ):
        server = Postgres(folder)
        server.take(made)
        async with running(server):
            tables = server.own(disk_of_tables / "tables")
            await server.ask(f"CREATE TABLESPACE small LOCATION '{tables}'")
            await server.ask("ALTER DATABASE assay SET TABLESPACE small")
            async with serving(url_of(server), upstream, tmp_path) as service:
                buyer = Buyer(service.base_url)
                await buyer.sign_up()
                filler = fill(disk_of_tables)
                assert await until_refused(service, buyer) == "database_read_only"
                assert await reasons(service) == [REFUSED]
                assert (await read(service, buyer)).status_code == 200, "what only reads goes on"
                filler.unlink()
                assert (await order(service, buyer)).status_code == 201
                took = await until_ready(service, server)
                print(f"ready {took:.1f} s after the tables had room")  # noqa: T201

                filler = fill(disk_of_log)
                await use_up_segments(server)
                refusal(await order(service, buyer))
                assert await reasons(service)
                filler.unlink()
                took = await until_ready(service, server)
                print(f"ready {took:.1f} s after the log of changes had room")  # noqa: T201
                assert (await order(service, buyer)).status_code == 201
                assert service.process.run_json("audit")["breaches"] == []
            assert not faults(service)
