"""A machine whose clock is an hour or a day off: what it stores is right, and it runs no loops."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
from asgi_lifespan import LifespanManager
from fastapi import FastAPI
from structlog.testing import capture_logs

from app.main import create_app
from app.resources import Overrides
from app.runtime.db.engine import Database, create_database
from tests.support.application import ScriptedProvider, settings_for_tests
from tests.support.clock import SkewedClock
from tests.support.people import PASSWORD, make_user
from tests.support.processes import free_port
from tests.support.server import learn_parameters

ORDER = {
    "number_of_credits": 10,
    "payment_coin": "Aeon",
    "payment_network": "AEON",
    "order_is_for_self": True,
}


@asynccontextmanager
async def skewed_application(
    database_url: str, machine: SkewedClock, *, run_worker: bool = False
) -> AsyncIterator[tuple[FastAPI, httpx.AsyncClient]]:
    """Serve an application whose machine has this clock."""
    database = create_database(database_url, machine_clock=machine)
    overrides = Overrides(database=database, provider=ScriptedProvider())
    app = create_app(settings_for_tests(run_worker=run_worker, metrics=True), overrides)
    async with (
        LifespanManager(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://a.test") as http,
    ):
        yield app, http
    await database.dispose()


async def test_skewed_server_stores_the_databases_time_and_says_why_it_is_not_ready(
    database_url: str, committed_database: Database
) -> None:
    now = datetime.now(UTC)
    await learn_parameters(committed_database, now)
    credentials = {"email": "buyer@example.com", "password": PASSWORD}
    for hours, side in ((1, "ahead of"), (-1, "behind"), (24, "ahead of"), (-24, "behind")):
        buyer = await make_user(committed_database, now)
        machine = SkewedClock(hours * 3600)
        async with skewed_application(database_url, machine) as (_, http):
            ready = await http.get("/readyz")
            metrics = (await http.get("/metrics")).text
            placed = await http.post("/api/new_order", json=ORDER, headers=buyer.headers)
            await http.post("/api/register", json=credentials)
            wrong = [
                await http.post("/api/login", json=credentials | {"password": f"{PASSWORD} no"})
                for _ in range(30)
            ]
        assert ready.status_code == 503
        [reason] = ready.json()["reasons"]
        assert reason.startswith("the clock of this machine is ")
        assert f" s {side} the database's: no loop runs here" in reason
        [skew] = [
            float(line.split()[1])
            for line in metrics.splitlines()
            if line.startswith("assay_clock_skew_seconds ")
        ]
        assert abs(skew - hours * 3600) < 60
        assert placed.status_code == 201, placed.text
        waits = [int(one.headers["Retry-After"]) for one in wrong if one.status_code == 429]
        assert waits
        assert max(waits) <= 60
    async with committed_database.reading() as connection:
        found = await connection.exec_driver_sql(
            "SELECT max(abs(extract(epoch FROM created_at - clock_timestamp()))) FROM orders"
        )
    assert found.scalar_one() < timedelta(minutes=10).total_seconds()


async def test_process_that_never_reached_its_database_says_so_and_nothing_of_clocks() -> None:
    nowhere = f"postgresql+asyncpg://assay@127.0.0.1:{free_port()}/assay"
    for run_worker in (True, False):
        async with skewed_application(nowhere, SkewedClock(3600), run_worker=run_worker) as served:
            _, http = served
            ready = await http.get("/readyz")
            login = await http.post(
                "/api/login", json={"email": "buyer@example.com", "password": PASSWORD}
            )
            assert _loops() == 0
        assert (ready.status_code, ready.json()["reasons"]) == (
            503,
            ["the database does not answer"],
        )
        assert (login.status_code, login.json()["code"]) == (503, "database_away")


async def test_loops_stop_when_the_clock_is_wrong_and_go_on_when_it_is_right_again(
    database_url: str,
) -> None:
    machine = SkewedClock()
    with capture_logs() as logs:
        async with skewed_application(database_url, machine, run_worker=True) as (_, http):
            await _until(lambda: _loops() > 5)
            for hours in (1, -24):
                machine.ahead = timedelta(hours=hours)
                await _until(lambda: _loops() == 0)
                assert (await http.get("/readyz")).status_code == 503
                await _until(lambda: _told(logs)[-1:] == ["clock_wrong"])
                machine.ahead = timedelta(0)
                await _until(lambda: _loops() > 5)
                assert (await http.get("/readyz")).json()["reasons"] == []
                await _until(lambda: _told(logs)[-1:] == ["clock_right"])
    assert _told(logs) == ["clock_wrong", "clock_right"] * 2


def _loops() -> int:
    """Return how many loops run now."""
    return sum(task.get_name().startswith("loop ") for task in asyncio.all_tasks())


def _told(logs: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return what the log says of the clock."""
    return [entry["event"] for entry in logs if entry["event"].startswith("clock_")]


async def _until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not holds():
            await asyncio.sleep(0.02)
