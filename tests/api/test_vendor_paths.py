"""The whole service in front of a vendor that is slow or fails: real HTTP on both sides.

No caller waits for long, nobody pays twice, and no connection to the database waits for a vendor.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from random import Random
from typing import Any, Final

import httpx
import pytest
from sqlalchemy import text
from structlog.testing import capture_logs

from app.addresses.samples import SAMPLES
from app.assessments import batch, provider_calls
from app.assessments.batch import _AT_ONCE
from app.assessments.claims import PROVIDER_DEADLINE_SECONDS
from app.runtime.db.engine import Database, create_database
from tests.assessments.providers.vendors import KEY, Vendors
from tests.assessments.vendor_desk import ADDRESS, check_money, until
from tests.support.assessments import finish_due
from tests.support.databases import wait_long_for_connections
from tests.support.deadlines import Deadlines, hold_deadlines
from tests.support.orders import balance_of, count, end_leases
from tests.support.people import Person, make_access_code, make_user
from tests.support.sandbox import HeldClock, serving_upstream
from tests.support.server import Served, serve_application

CREATE: Final = "/api/create_new_assessment_for_access_code"
BATCH: Final = "/api/create_new_assessments_for_access_code"
CHECK: Final = "/api/check_assessment_list_for_access_code"
CREDITS: Final = 10
# Of the new questions to Crystal the first three, and then a third in all: 1/9, 1/8 of the rest,
# and 1/7 of that.
FAULTS: Final[list[dict[str, Any]]] = [
    {"kind": kind, "when": when, "times": times, "p": chance if times < 0 else 1}
    for times in (1, -1)
    for kind, when, chance in (
        ("drop", "after", 1 / 9),
        ("500", "before", 1 / 8),
        ("400", "before", 1 / 7),
    )
]
_MOST_RESERVED: Final = """
    SELECT max(reserved) FROM (
        SELECT -sum(amount) OVER (ORDER BY id) AS reserved FROM ledger_entries
        WHERE kind IN ('assessment', 'refund')) so_far"""


@pytest.fixture(scope="module")
async def held() -> HeldClock:
    """The clock of the vendors, on which a fault that takes time lasts until it is woken."""
    return HeldClock()


@pytest.fixture(scope="module")
async def served_vendors(held: HeldClock) -> AsyncIterator[Vendors]:
    async with serving_upstream(clock=held) as upstream:
        yield Vendors(upstream)


@pytest.fixture
async def vendors(served_vendors: Vendors, held: HeldClock) -> AsyncIterator[Vendors]:
    await served_vendors.upstream.press("reset")
    yield served_vendors
    held.wake()


@dataclass(frozen=True)
class Shop:
    """A served Assay that asks Crystal, and an access code that pays."""

    served: Served
    code: Person
    http: httpx.AsyncClient

    def question(self, address: str = ADDRESS, **more: object) -> dict[str, Any]:
        """Return a question that the code pays for."""
        return {"access_code": self.code.access_code, **asked(address), **more}

    def questions(self, addresses: list[str]) -> dict[str, Any]:
        """Return many questions that the code pays for."""
        return {
            "access_code": self.code.access_code,
            "questions": [asked(one) for one in addresses],
        }

    async def finish_all(self) -> None:
        """Let the worker go on until nothing is pending."""
        await end_leases(self.served.database)
        async with asyncio.timeout(60):
            while await count(self.served.database, "assessments", "status = 'pending'"):
                self.served.clock.advance(300)
                await self.finish_one()

    async def finish_one(self) -> None:
        """Let the worker try the question that has waited longest."""
        ensemble = self.served.app.state.resources.ensemble
        await finish_due(self.served.database, ensemble, self.served.clock)

    async def statuses(self, *assessment_ids: str) -> list[str]:
        """Return what the list endpoint says of assessments."""
        body = {"access_code": self.code.access_code, "assessment_id_list": assessment_ids}
        answer = await self.http.post(CHECK, json=body)
        assert answer.status_code == 200
        return [one["status"] for one in answer.json()]

    async def ready_ids(self) -> list[str]:
        """Return which assessments are ready."""
        query = text("SELECT id FROM assessments WHERE status = 'ready'")
        async with self.served.database.reading() as connection:
            return list((await connection.scalars(query)).all())


def asked(address: str) -> dict[str, Any]:
    return {"assessment_type": "address", "address": address, "currency": "BTC"}


def addresses(number: int) -> list[str]:
    """Return different addresses, the same ones in every run."""
    chance = Random(7)  # noqa: S311  a test repeats itself
    return [SAMPLES["BTC", "p2wpkh"](chance) for _ in range(number)]


@asynccontextmanager
async def open_shop(
    database: Database, vendors: Vendors, credits_given: int = CREDITS
) -> AsyncIterator[Shop]:
    async with serve_application(
        database,
        risk_provider=("crystal",),
        crystal_url=f"{vendors.root}/crystal/",
        crystal_api_key=KEY,
    ) as served:
        now = served.clock.now()
        user = await make_user(database, now)
        code = await make_access_code(database, user, now, credits_given=credits_given)
        async with httpx.AsyncClient(
            base_url=served.base_url,
            headers=code.headers,
            trust_env=False,
            timeout=60,
            limits=httpx.Limits(max_connections=None),
        ) as http:
            with capture_logs():
                yield Shop(served, code, http)
        await check_money(database)


async def hang(vendors: Vendors) -> None:
    """Let Crystal do the work of new questions, and answer none until it is woken."""
    await vendors.upstream.fault(
        "timeout", source="crystal", endpoint="tx_add", when="after", times=-1
    )


def are_at_work(vendors: Vendors, number: int) -> Callable[[], Awaitable[bool]]:
    """Return what says whether Crystal has had so many new questions."""

    async def reached() -> bool:
        return await vendors.requests("crystal", "tx_add") == number

    return reached


def are_waiting(deadlines: Deadlines, number: int) -> Callable[[], Awaitable[bool]]:
    """Return what says whether so many questions wait until their deadline."""

    async def reached() -> bool:
        return len(deadlines.seconds) == number

    return reached


async def names(vendors: Vendors) -> list[str]:
    """Return under which names Crystal was asked, each as often as it did the work."""
    return [transfer["customer"]["name"] for transfer in await vendors.transfers()]


@pytest.mark.parametrize("same", [False, True], ids=["different_questions", "one_question_afresh"])
async def test_two_hundred_parallel_requests_on_ten_credits_pay_for_no_more_and_none_twice(
    committed_database: Database, vendors: Vendors, same: bool
) -> None:
    for fault in FAULTS:
        await vendors.upstream.fault(source="crystal", endpoint="tx_add", **fault)
    wait_long_for_connections(committed_database)
    async with open_shop(committed_database, vendors) as shop:
        questions = [
            shop.question(address, fresh=same)
            for address in ([ADDRESS] * 200 if same else addresses(200))
        ]
        answers = await asyncio.gather(*(shop.http.post(CREATE, json=one) for one in questions))
        told = {answer.status_code for answer in answers}
        # 402: no credit is left; 500: it was refunded.
        assert 402 in told <= {201, 402, 500}
        await shop.finish_all()
        async with committed_database.reading() as connection:
            assert await connection.scalar(text(_MOST_RESERVED)) == CREDITS
        ready = await shop.ready_ids()
        assert 0 < len(ready) < await count(committed_database, "assessments")
        assert await balance_of(committed_database, shop.code.account_id) == CREDITS - len(ready)
        assert sorted(await names(vendors)) == sorted(ready)


@pytest.mark.parametrize("how", [CREATE, BATCH], ids=["one", "many"])
async def test_a_refusal_is_refunded_counted_and_rings(
    committed_database: Database, vendors: Vendors, how: str
) -> None:
    await vendors.crystal(calls_left=0)
    async with open_shop(committed_database, vendors) as shop:
        body = shop.question() if how == CREATE else shop.questions([ADDRESS])
        answer = await shop.http.post(how, json=body)
        assert (answer.status_code, "4J9Y1" in answer.text) == (
            (500, True) if how == CREATE else (201, False)
        )
        assert await balance_of(committed_database, shop.code.account_id) == CREDITS
        shown = (await shop.http.get("/metrics")).text.splitlines()
    for line in (
        "assay_refunds_total 1.0",
        'assay_vendor_calls_left{provider="crystal"} 0.0',
        'assay_alarms_total{kind="crystal_calls_none"} 1.0',
        'assay_alarms_total{kind="crystal_OutOfCalls"} 1.0',
    ):
        assert line in shown


async def test_a_slow_vendor_holds_no_connection_to_the_database(
    database_url: str, vendors: Vendors, held: HeldClock
) -> None:
    async def is_at_work() -> bool:
        return await vendors.requests("crystal", "tx_add") == 1

    await hang(vendors)
    database = create_database(database_url, pool_size=1)
    async with open_shop(database, vendors) as shop:
        slow = asyncio.create_task(shop.http.post(CREATE, json=shop.question()))
        await until(is_at_work)
        quick = await shop.http.get("/api/check_self_status")
        assert quick.json()["credits_available"] == CREDITS - 1
        assert not slow.done()
        held.wake()
        assert (await slow).json()["status"] == "ready"
    await database.dispose()


async def test_a_slow_vendor_of_the_worker_holds_no_connection_to_the_database(
    database_url: str, vendors: Vendors, held: HeldClock
) -> None:
    async def is_at_work() -> bool:
        return await vendors.requests("crystal", "tx_add") == 2

    await vendors.upstream.fault("500", source="crystal", endpoint="tx_add")
    await hang(vendors)
    database = create_database(database_url, pool_size=1)
    async with open_shop(database, vendors) as shop:
        made = (await shop.http.post(CREATE, json=shop.question())).json()
        shop.served.clock.advance(300)
        worker = asyncio.create_task(shop.finish_one())
        await until(is_at_work)
        assert await shop.statuses(made["assessment_id"]) == ["pending"]
        assert not worker.done()
        held.wake()
        await worker
        assert await shop.statuses(made["assessment_id"]) == ["ready"]
    await database.dispose()


@pytest.mark.parametrize("headers", [{}, {"Idempotency-Key": "k"}], ids=["plain", "with_a_key"])
async def test_no_request_waits_for_a_vendor_beyond_the_deadline_and_the_list_shows_it_later(
    committed_database: Database,
    vendors: Vendors,
    headers: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert PROVIDER_DEADLINE_SECONDS == 8
    await hang(vendors)
    async with open_shop(committed_database, vendors) as shop:
        with monkeypatch.context() as patch:
            deadlines = hold_deadlines(patch, provider_calls)
            asking_now = asyncio.create_task(
                shop.http.post(CREATE, json=shop.question(), headers=headers)
            )
            await until(are_at_work(vendors, 1))
            assert deadlines.seconds == [PROVIDER_DEADLINE_SECONDS]
            deadlines.expire()
            answer = await asking_now
        made = answer.json()
        assert (answer.status_code, made["status"], made["answer"]) == (201, "pending", None)
        assert (made["charged"], made["credits_available"]) == (True, CREDITS - 1)
        assert await shop.statuses(made["assessment_id"]) == ["pending"]
        await vendors.upstream.no_faults()
        await shop.finish_all()
        assert await shop.statuses(made["assessment_id"]) == ["ready"]
        page = (await shop.http.get("/api/assessments")).json()
        assert [one["answer"]["grade"] for one in page["items"]] == ["medium"]
    assert await names(vendors) == [made["assessment_id"]]


async def test_many_questions_share_one_deadline_and_what_was_not_reached_is_asked_later(
    committed_database: Database, vendors: Vendors, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = _AT_ONCE + 10
    await hang(vendors)
    async with open_shop(committed_database, vendors, credits_given=number) as shop:
        body = shop.questions(addresses(number))
        with monkeypatch.context() as patch:
            deadlines = hold_deadlines(patch, provider_calls, batch)
            asking_now = asyncio.create_task(shop.http.post(BATCH, json=body))
            await until(are_waiting(deadlines, _AT_ONCE))
            deadlines.expire()
            answer = await asking_now
        made = answer.json()
        ids = [outcome["assessment"]["assessment_id"] for outcome in made["outcomes"]]
        assert (answer.status_code, made["credits_available"]) == (201, 0)
        assert await shop.statuses(*ids) == ["pending"] * number
        asks = "(progress -> 'crystal' ->> 'asks')::int = :asks"
        database = committed_database
        assert await count(database, "assessments", asks, asks=0) == number - _AT_ONCE
        assert await count(database, "assessments", asks, asks=1) == _AT_ONCE
        assert await count(database, "assessments", "lease_until IS NULL") == number
        await vendors.upstream.no_faults()
        await shop.finish_all()
        assert await shop.statuses(*ids) == ["ready"] * number
    assert sorted(await names(vendors)) == sorted(ids)
    assert await vendors.requests("crystal", "tx_add") == number
