"""Throttles of several processes on one database that commits, asked in parallel; and proxies."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack

import httpx
import pytest

from app.accounts import users
from app.runtime import security
from app.runtime.db.engine import Database, create_database
from tests.api import problems
from tests.api.asking import TEST_HOST, ask, read, refusal
from tests.api.guessing import MALFORMED, UNKNOWN, log_in, refused, self_status, split
from tests.support.application import Application, open_application
from tests.support.databases import wait_long_for_connections
from tests.support.people import PASSWORD, Person, make_user
from tests.support.server import serve_application

KEY = UNKNOWN["unknown key"]


@pytest.fixture
async def replicas(database_url: str) -> AsyncIterator[list[Application]]:
    """Two processes, as far as they can know: each has its own pool, memory and clock."""
    async with AsyncExitStack() as stack:
        opened = []
        for _ in range(2):
            database = create_database(database_url)
            wait_long_for_connections(database)
            stack.push_async_callback(database.dispose)
            await connect_all(database)
            opened.append(await stack.enter_async_context(open_application(database)))
        yield opened


async def connect_all(database: Database) -> None:
    """Fill the pool: on a busy machine, connecting takes longer than requests wait for a place."""
    async with AsyncExitStack() as stack:
        for _ in range(10):
            await stack.enter_async_context(database.reading())


@pytest.fixture
async def user(replicas: list[Application]) -> Person:
    return await make_user(replicas[0].database, replicas[0].clock.now())


async def test_sixty_wrong_keys_in_parallel_are_twenty_failures_and_forty_too_many(
    replicas: list[Application], user: Person
) -> None:
    guesses = [self_status(replicas[number % 2], KEY) for number in range(60)]
    good = [self_status(replicas[number % 2], user.headers) for number in range(20)]

    answers = await asyncio.gather(*guesses, *good)

    assert split(answers[:60], problems.INVALID_API_KEY) == (20, 40)
    assert {answer.status_code for answer in answers[60:]} == {200}
    for answer in answers[:60]:
        if answer.status_code == 429:
            assert refused(answer, "bad-keys", 20) == 60
    for replica in replicas:
        replica.clock.advance(60)
        assert refusal(await self_status(replica, KEY)) == problems.INVALID_API_KEY


async def test_malformed_keys_in_parallel_are_counted_exactly_by_each_process(
    replicas: list[Application],
) -> None:
    for replica in replicas:
        answers = await asyncio.gather(
            *(self_status(replica, MALFORMED["nonsense as a key"]) for _ in range(60))
        )
        assert split(answers, problems.INVALID_API_KEY) == (20, 40)
    assert await read(replicas[0], "SELECT count(*) FROM failed_attempts") == [(0,)]


async def test_bad_codes_of_a_caller_are_counted_together_by_the_replicas(
    replicas: list[Application], user: Person
) -> None:
    async def guess(number: int) -> httpx.Response:
        body = {"access_code": f"{number:016}"}
        return await ask(replicas[number % 2], "check_access_code_status", body, user)

    one_by_one = [await guess(number) for number in range(11)]
    at_once = await asyncio.gather(*(guess(number) for number in range(11, 60)))

    assert split(one_by_one, problems.ACCESS_CODE_NOT_FOUND) == (11, 0)
    assert split(at_once, problems.ACCESS_CODE_NOT_FOUND) == (9, 40)


async def test_bad_gifts_in_parallel_leave_their_count_and_nothing_else(
    replicas: list[Application], user: Person
) -> None:
    gift = {
        "number_of_credits": 10,
        "payment_coin": "Aeon",
        "payment_network": "AEON",
        "order_is_for_self": False,
        "access_code": "A" * 16,
    }
    answers = await asyncio.gather(
        *(ask(replicas[number % 2], "new_order", gift, user) for number in range(40))
    )

    assert split(answers, problems.INVALID_ACCESS_CODE) == (20, 20)
    assert await read(replicas[0], "SELECT count(*) FROM orders") == [(0,)]


async def test_logins_that_failed_at_one_replica_are_known_to_the_other(
    replicas: list[Application], user: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(10):
        answer = await log_in(replicas[0], str(user.email), "a guess that is wrong")
        assert refusal(answer) == problems.WRONG_PASSWORD

    hashed = counting(monkeypatch)
    refused(await log_in(replicas[1], str(user.email), PASSWORD), "logins", 10)
    assert hashed() == 0


async def test_a_burst_of_logins_is_cut_off_and_nobody_is_locked_out_of_the_address(
    replicas: list[Application], user: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    hashed = counting(monkeypatch)
    answers = await asyncio.gather(
        *(log_in(replicas[0], str(user.email), "a guess that is wrong") for _ in range(100))
    )

    assert split(answers, problems.WRONG_PASSWORD) == (10, 90)
    assert hashed() <= 10 + 3  # those that were being hashed when the tenth failed
    neighbour = await make_user(replicas[0].database, replicas[0].clock.now())
    assert (await log_in(replicas[0], str(neighbour.email), PASSWORD)).status_code == 200


def counting(monkeypatch: pytest.MonkeyPatch) -> Callable[[], int]:
    """Count the passwords that are hashed to be compared."""
    tried: list[str] = []

    def match(password: str, password_hash: str | None) -> bool:
        tried.append(password)
        return security.password_matches(password, password_hash)

    monkeypatch.setattr(users, "password_matches", match)
    return lambda: len(tried)


# Proxies, over real HTTP


async def test_what_a_trusted_proxy_forwards_is_the_address_that_counts(database_url: str) -> None:
    database = create_database(database_url)
    trusted = {"trusted_proxies": "127.0.0.0/8"}
    async with (
        serve_application(database, **trusted) as served,
        httpx.AsyncClient(base_url=served.base_url, timeout=60) as http,
    ):

        async def guess(forwarded_for: str) -> httpx.Response:
            headers = {**KEY, "X-Forwarded-For": forwarded_for}
            return await http.get("/api/check_self_status", headers=headers)

        for number in range(20):
            answer = await guess(f"203.0.113.{number}, 198.51.100.1")
            assert refusal(answer) == problems.INVALID_API_KEY
        refused(await guess("198.51.100.1"), "bad-keys", 20)
        assert refusal(await guess("198.51.100.2")) == problems.INVALID_API_KEY
    await database.dispose()


@pytest.mark.parametrize("proxies", ["", "203.0.113.0/24"])
async def test_what_anybody_else_forwards_is_not_believed(database_url: str, proxies: str) -> None:
    database = create_database(database_url)
    async with (
        serve_application(database, trusted_proxies=proxies) as served,
        httpx.AsyncClient(base_url=served.base_url, timeout=60) as http,
    ):
        for number in range(20):
            headers = {**KEY, "X-Forwarded-For": f"203.0.113.{number}"}
            answer = await http.get("/api/check_self_status", headers=headers)
            assert refusal(answer) == problems.INVALID_API_KEY
        headers = {**KEY, "X-Forwarded-For": "203.0.113.200, 127.0.0.1"}
        refused(await http.get("/api/check_self_status", headers=headers), "bad-keys", 20)
    await database.dispose()


async def test_peers_without_an_address_share_one_budget(replicas: list[Application]) -> None:
    for peer in ("/run/one.sock", "/run/two.sock"):
        transport = httpx.ASGITransport(replicas[0].app, client=(peer, 0))
        async with httpx.AsyncClient(transport=transport, base_url=TEST_HOST) as http:
            answers = [await http.get("/api/check_self_status", headers=KEY) for _ in range(11)]
    assert split(answers, problems.INVALID_API_KEY) == (9, 2)
