"""Assay behind a real PgBouncer in session and in transaction mode, as `./run pgbouncer` drives it.

Not one of `./run test`: it needs PgBouncer. In transaction mode each transaction meets another
session of PostgreSQL, so that whatever was left to a session is missed at once.
"""

import asyncio
import secrets
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from configparser import ConfigParser
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import asyncpg
import httpx
import pytest
from sqlalchemy import make_url, text
from sqlalchemy.exc import DBAPIError

from app.assessments.claims import hand_over, reserve
from app.assessments.context import AssessmentContext
from app.assessments.providers.ensemble import ProviderEnsemble
from app.runtime.clock import SystemClock
from app.runtime.db.engine import Database, create_database
from app.runtime.db.failures import is_lock_timeout, is_unavailable, reason_of
from tests.assessments.test_service import SUBJECT
from tests.journey.buyer import CREDITS, Buyer
from tests.pooler.pgbouncer import PgBouncer, PoolMode, open_pgbouncer
from tests.support.application import BTC_DEST_ADDRESS, ScriptedProvider
from tests.support.databases import Template, connect
from tests.support.orders import count
from tests.support.people import ACTOR, make_user
from tests.support.processes import Process
from tests.support.sandbox import Upstream, serving_upstream
from tests.support.served import TROUBLE, Service, serving

BOTH_MODES: Final = [PoolMode.SESSION, PoolMode.TRANSACTION]
TIMEOUTS: Final = {
    "statement_timeout": "5s",
    "lock_timeout": "2s",
    "idle_in_transaction_session_timeout": "10s",
    "TimeZone": "UTC",
}
STATEMENT_MODE: Final = (
    "PgBouncer keeps no transaction together: set pool_mode = transaction, or session"
)


@pytest.fixture(params=BOTH_MODES)
async def pgbouncer(request: pytest.FixtureRequest, database_url: str) -> AsyncIterator[PgBouncer]:
    """A PgBouncer before this test's own copy of the database, once in each mode."""
    async with open_pgbouncer(database_url, request.param) as started:
        yield started


@pytest.fixture
async def pooled(pgbouncer: PgBouncer) -> AsyncIterator[Database]:
    """The application's own engine, by way of PgBouncer."""
    database = create_database(pgbouncer.url)
    yield database
    await database.dispose()


@pytest.fixture
async def upstream() -> AsyncIterator[Upstream]:
    """A sandbox in which every buyer pays at once."""
    async with serving_upstream() as served:
        await served.press("auto", step_seconds=0)
        yield served


@asynccontextmanager
async def empty_database(template: Template) -> AsyncIterator[str]:
    """Lend a database on which `assay migrate` was never run."""
    name = f"empty_{secrets.token_hex(4)}"
    server = await connect(template.server_url)
    await server.execute(f'CREATE DATABASE "{name}"')
    try:
        yield make_url(template.server_url).set(database=name).render_as_string(hide_password=False)
    finally:
        await server.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
        await server.close()


async def run(folder: Path, url: str, *command: str) -> None:
    """Run a command of Assay that must succeed."""
    process = Process(*command, folder=folder, ASSAY_DATABASE_URL=url)
    process.start()
    assert await asyncio.to_thread(process.wait) == 0, process.output.read_text()


async def until(holds: Callable[[], Awaitable[bool]], within_seconds: float = 30) -> None:
    async with asyncio.timeout(within_seconds):
        while not await holds():
            await asyncio.sleep(0.05)


@pytest.mark.parametrize("mode", BOTH_MODES)
async def test_whole_journey_from_an_empty_database(
    mode: PoolMode, template: Template, upstream: Upstream, tmp_path: Path
) -> None:
    async with empty_database(template) as url, open_pgbouncer(url, mode) as pgbouncer:
        for _ in range(2):  # the second process knows nothing of what the first one left
            await run(tmp_path, pgbouncer.url, "migrate")
        async with serving(pgbouncer.url, upstream, tmp_path) as service:
            buyer = Buyer(service.base_url)
            for step in buyer.steps():
                await step()
            assert await buyer.credits_available() == CREDITS - 1
            assert (await service.get("/readyz")).status_code == 200
            assert service.process.run_json("audit")["breaches"] == []
            found = {one["name"]: one for one in service.process.run_json("doctor")}
            assert found["database_pooler"]["found"].startswith("a pooler answers")
            for name in ("database_clock", "database_writes", "database_schema", "books"):
                assert found[name]["status"] == "ok", found[name]
        assert not TROUBLE & {event["event"] for event in service.events()}
        assert "ERROR" not in pgbouncer.log()


async def test_job_is_carried_to_its_end(
    pgbouncer: PgBouncer, pooled: Database, upstream: Upstream, tmp_path: Path
) -> None:
    buyer = await make_user(pooled, datetime.now(UTC), credits_given=8)
    async with pooled.sessions() as session, session.begin():
        reserved = await reserve(
            session,
            AssessmentContext(
                pooled, ProviderEnsemble([ScriptedProvider(name="sanctions")]), SystemClock()
            ),
            edition="",
            account_id=buyer.account_id,
            subjects=[SUBJECT] * 8,
            actor=ACTOR,
        )
        await hand_over(session, reserved)
    async with serving(pgbouncer.url, upstream, tmp_path) as service:
        await until(lambda: _is(8, count(pooled, "assessments", "status = 'ready'")))
        await until(lambda: _is(0, count(pooled, "jobs.procrastinate_jobs")))
    assert not TROUBLE & {event["event"] for event in service.events()}


async def test_two_services_spend_in_parallel_what_there_is_and_no_more(
    pgbouncer: PgBouncer, pooled: Database, upstream: Upstream, tmp_path: Path
) -> None:
    folders = [tmp_path / "one", tmp_path / "other"]
    for folder in folders:
        folder.mkdir()
    buyer = await make_user(pooled, datetime.now(UTC), credits_given=30)
    question = {"assessment_type": "address", "address": BTC_DEST_ADDRESS, "currency": "BTC"}
    async with (
        serving(pgbouncer.url, upstream, folders[0]) as one,
        serving(pgbouncer.url, upstream, folders[1]) as other,
        httpx.AsyncClient(trust_env=False, timeout=30, headers=buyer.headers) as http,
    ):

        async def spend(number: int) -> int:
            service = (one, other)[number % 2]
            answer = await http.post(
                f"{service.base_url}/api/create_new_assessment", json=question | {"fresh": True}
            )
            return answer.status_code

        statuses: Counter[int] = Counter()
        for _ in range(6):
            statuses.update(await asyncio.gather(*(spend(number) for number in range(8))))
        audit = one.process.run_json("audit")
    paid = statuses.pop(200, 0) + statuses.pop(201, 0)
    assert paid == 30
    assert set(statuses) == {402}, statuses
    assert audit["breaches"] == []
    for service in (one, other):
        assert not TROUBLE & {event["event"] for event in service.events()}


async def test_service_says_that_pgbouncer_is_gone_and_heals_when_it_is_back(
    pgbouncer: PgBouncer, upstream: Upstream, tmp_path: Path
) -> None:
    async with serving(pgbouncer.url, upstream, tmp_path) as service:
        buyer = Buyer(service.base_url)
        await buyer.sign_up()
        pgbouncer.end()
        away = await service.get("/readyz")
        async with httpx.AsyncClient(trust_env=False, timeout=20) as http:
            asked = await http.post(
                f"{service.base_url}/api/login",
                json={"email": "buyer@example.com", "password": "wrong"},
            )
        await until(lambda: _holds(lambda: bool(_reasons(service))))
        await pgbouncer.start()
        await service.process.until_ready(f"{service.base_url}/readyz")
        assert await buyer.own_credits() == 0
    assert (away.status_code, away.json()["reasons"]) == (503, ["the database does not answer"])
    assert asked.status_code == 503
    assert asked.headers["Retry-After"]
    assert all("refused" in reason or "closed" in reason for reason in _reasons(service))
    assert "unhandled_fault" not in {event["event"] for event in service.events()}


async def test_timeouts_hold_in_every_transaction_and_stay_with_it(
    pgbouncer: PgBouncer, pooled: Database
) -> None:
    async def in_force(way: str) -> dict[str, str]:
        query = text(
            "SELECT name, current_setting(name) FROM unnest(CAST(:names AS text[])) AS name"
        ).bindparams(names=list(TIMEOUTS))
        if way == "reading":
            async with pooled.reading() as connection:
                return dict((await connection.execute(query)).all())
        async with pooled.sessions() as session, session.begin():
            return dict((await session.execute(query)).all())

    ways = ["reading", "transaction"] * 8
    assert await asyncio.gather(*(in_force(way) for way in ways)) == [TIMEOUTS] * len(ways)
    plain = make_url(pgbouncer.url).set(drivername="postgresql")
    for _ in range(8):  # another program meets the same sessions of PostgreSQL
        other = await asyncpg.connect(
            plain.render_as_string(hide_password=False), statement_cache_size=0
        )
        async with other.transaction():
            assert await other.fetchval("SHOW lock_timeout") == "0"
            assert await other.fetchval("SELECT count(*) FROM pg_prepared_statements") == 0
        await other.close()


async def test_statement_and_wait_for_a_lock_end_in_time(pgbouncer: PgBouncer) -> None:
    database = create_database(pgbouncer.url, statement_timeout_seconds=1)
    with pytest.raises(DBAPIError) as slow:
        async with database.reading() as connection:
            await connection.execute(text("SELECT pg_sleep(30)"))
    assert is_unavailable(slow.value)
    await database.dispose()

    database = create_database(pgbouncer.url)
    async with database.sessions() as holder, holder.begin():
        await holder.execute(text("LOCK TABLE orders"))
        with pytest.raises(DBAPIError) as waiting:
            await count(database, "orders")
    assert is_lock_timeout(waiting.value)
    await database.dispose()


async def _refusal(url: str) -> BaseException:
    """Return what a request fails with."""
    database = create_database(url)
    try:
        await count(database, "orders")
    except Exception as fault:
        return fault
    finally:
        await database.dispose()
    raise AssertionError("it was not refused")


@pytest.mark.parametrize("mode", BOTH_MODES)
@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"max_client_conn": "1"}, "no more connections allowed"),
        ({"query_wait_timeout": "1"}, "query_wait_timeout"),
        ({"max_db_connections": "1", "query_wait_timeout": "1"}, "query_wait_timeout"),
    ],
)
async def test_pooler_that_is_full_means_that_the_database_is_away(
    database_url: str, mode: PoolMode, settings: dict[str, str], words: str
) -> None:
    one = {"default_pool_size": "1", "min_pool_size": "0"}
    async with open_pgbouncer(database_url, mode, **one | settings) as pgbouncer:
        holder = create_database(pgbouncer.url)
        async with holder.sessions() as session, session.begin():
            await session.execute(text("SELECT 1"))
            fault = await _refusal(pgbouncer.url)
        await holder.dispose()
    assert is_unavailable(fault)
    assert words in reason_of(fault)


async def test_pooler_that_cannot_reach_its_server_or_refuses_us_is_away_too(
    pgbouncer: PgBouncer,
) -> None:
    wrong = make_url(pgbouncer.url).set(password="wrong")
    nowhere = make_url(pgbouncer.url).set(database="nowhere")
    for url, words in ((wrong, "SASL authentication failed"), (nowhere, "nowhere")):
        fault = await _refusal(url.render_as_string(hide_password=False))
        assert is_unavailable(fault)
        assert words in reason_of(fault)


async def test_statement_mode_is_refused_in_words(
    database_url: str, upstream: Upstream, tmp_path: Path
) -> None:
    async with open_pgbouncer(database_url, PoolMode.STATEMENT) as pgbouncer:
        listing = Process("orders", "list", folder=tmp_path, ASSAY_DATABASE_URL=pgbouncer.url)
        listing.start()
        assert await asyncio.to_thread(listing.wait) == 2
        async with serving(pgbouncer.url, upstream, tmp_path, until="/healthz") as service:
            ready = await service.get("/readyz")
            found = {one["name"]: one for one in service.process.run_json("doctor")}
    assert (found["database"]["status"], found["database"]["found"]) == ("problem", STATEMENT_MODE)
    assert listing.output.read_text().strip().splitlines()[-1] == STATEMENT_MODE
    assert (ready.status_code, ready.json()["reasons"]) == (503, [STATEMENT_MODE])


async def test_settings_that_the_documents_print_serve_many_connections(database_url: str) -> None:
    document = (Path(__file__).parents[2] / "docs/operations.md").read_text()
    printed = ConfigParser()
    printed.read_string(document.partition("```ini\n")[2].partition("```")[0])
    settings = dict(printed["pgbouncer"])
    mode = PoolMode(settings.pop("pool_mode"))
    settings.pop("auth_file")  # the one of the test
    async with open_pgbouncer(database_url, mode, **settings) as pgbouncer:
        processes = [create_database(pgbouncer.url) for _ in range(4)]
        asked = [count(database, "orders") for database in processes for _ in range(10)]
        assert await asyncio.gather(*asked) == [0] * 40
        for database in processes:
            await database.dispose()


def _reasons(service: Service) -> list[str]:
    return [event["reason"] for event in service.events() if event["event"] == "database_away"]


async def _holds(look: Callable[[], bool]) -> bool:
    return look()


async def _is(expected: int, found: Awaitable[int]) -> bool:
    return await found == expected
