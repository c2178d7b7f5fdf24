"""Simulated days on real PostgreSQL: the clock stands while the database works.

A connection is lent exactly while the database has something to do: nothing of ours holds one while
it sleeps or asks AEON.to. If something did, these days would never end.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from time import perf_counter
from typing import Any, TypeVar

import pytest
from sqlalchemy import event

from app.orders.pricing import Terms
from app.orders.rules.rails import Rail
from app.orders.store import OrderStore
from app.runtime.clock import Clock
from app.runtime.db.engine import Database, create_database
from app.runtime.rate_limit.postgres import PostgresRateLimiter
from app.runtime.rate_limit.rules import Pace
from app.simulation.books import Books
from app.simulation.buyers import ACCOUNTS, Shown, account_name
from app.simulation.calendar import Calendar, Work
from app.simulation.day import Day, Outcome, quiet
from app.simulation.loop import BEGIN, SimulatedClock, VirtualLoop
from app.simulation.offers import sold_today
from app.simulation.plan import Plan, draw_plan
from tests.simulation import database_time
from tests.simulation.stores import SqlShop
from tests.support import invariants
from tests.support.databases import Template
from tests.support.people import make_user

ORDERS = 100
HOURS = 4
LEAST_CREDITS = 4  # fewer are less than AEON.to takes, and refused at the door
T = TypeVar("T")


class Busy:
    """Knows whether the database has something to do: a connection is lent, or being made."""

    def __init__(self) -> None:
        self.count = 0

    def watch(self, database: Database) -> None:
        """Count the connections of a pool that are lent or being made."""
        engine = database.engine.sync_engine

        def begin(*_: Any) -> None:  # noqa: ANN401  what the pool says
            self.count += 1

        def end(*_: Any) -> None:  # noqa: ANN401
            self.count -= 1

        opener = database._connecting._connect

        def connect(*arguments: Any) -> Any:  # noqa: ANN401
            self.count += 1
            try:
                return opener(*arguments)
            finally:
                self.count -= 1

        event.listen(engine, "checkout", begin)
        event.listen(engine, "checkin", end)
        event.remove(engine, "do_connect", opener)  # only the first one is ever asked
        event.listen(engine, "do_connect", connect)

    def __call__(self) -> bool:
        return self.count > 0


class SqlKeeper:
    """Orders and limits in PostgreSQL; the accounts of the model's buyers are real ones."""

    def __init__(
        self, plan: Plan, database: Database, calendar: Calendar, accounts: dict[str, str]
    ) -> None:
        self._plan = plan
        self._database = database
        self._calendar = calendar
        self._clock = SimulatedClock(plan.source("clock"))
        self._shop = SqlShop(database, self._clock, sold_today(plan))
        self._earliest: dict[Work, datetime] = {}
        self._accounts = accounts
        self.store: OrderStore = Watched(self._shop.store, self._refresh)  # type: ignore[assignment]

    def pace_for(self, clock: Clock) -> Pace:
        return PostgresRateLimiter(self._database, clock, self._plan.rate_scale)

    def earliest(self, work: Work) -> datetime | None:
        return self._earliest.get(work)

    async def _refresh(self) -> None:
        self._earliest = await self._shop.earliest()
        for work in Work:
            self._calendar.changed(work)

    async def place(self, account_id: str, number_of_credits: int, rail: Rail, terms: Terms) -> str:
        account, enough = self._accounts[account_id], max(number_of_credits, LEAST_CREDITS)
        placed = await self._shop.place(account, enough, rail, terms)
        await self._refresh()
        return placed

    async def shown(self, order_id: str) -> Shown:
        return await self._shop.shown(order_id)

    async def ask(self, order_id: str) -> None:
        await self._shop.ask(order_id)
        await self._refresh()

    async def cancel(self, account_id: str, order_id: str) -> bool:
        cancelled = await self._shop.cancel(self._accounts[account_id], order_id)
        await self._refresh()
        return cancelled

    async def books(self) -> Books:
        return await self._shop.books()


class Watched:
    """The real store, whose changes the calendar hears of."""

    def __init__(self, store: OrderStore, changed: Callable[[], Awaitable[None]]) -> None:
        self._store = store
        self._changed = changed

    def __getattr__(self, name: str) -> Callable[..., Awaitable[Any]]:
        method = getattr(self._store, name)

        async def call(*arguments: object) -> Any:  # noqa: ANN401  what the store returns
            answer = await method(*arguments)
            if name.startswith(("claim", "apply", "fail")) or answer is False:
                await self._changed()
            return answer

        return call


async def prepared(url: str) -> dict[str, str]:
    """Make the accounts of the buyers, then let the database read simulated time."""
    database = create_database(url)
    people = [await make_user(database, BEGIN) for _ in range(ACCOUNTS)]
    await database.dispose()
    await database_time.prepare(url)
    return {account_name(number): person.account_id for number, person in enumerate(people)}


def played(plan: Plan, url: str) -> tuple[Outcome, dict[str, list[str]]]:
    """Play a day on the database; return what came of it, and what its own rules say."""
    began_at, busy = perf_counter(), Busy()
    unexpected: list[str] = []

    async def play() -> tuple[Day, dict[str, list[str]]]:
        database = create_database(url)
        loop = asyncio.get_running_loop()
        busy.watch(database)

        def now() -> datetime:
            return BEGIN + timedelta(seconds=loop.time())

        database_time.follow(database, now)
        day = Day(plan, lambda day: SqlKeeper(plan, database, day.calendar, accounts))
        await day.play()
        busy.count += 1  # from here on time stands: closing connections is work of the database
        broken = await invariants.broken(database, now())
        await database.dispose()
        return day, broken

    accounts = asyncio.run(prepared(url))
    with quiet(unexpected), asyncio.Runner(loop_factory=lambda: VirtualLoop(busy)) as runner:
        day, broken = runner.run(play())
    return day.outcome(unexpected, perf_counter() - began_at), broken


async def test_every_rule_holds_after_a_short_day_on_postgresql(template: Template) -> None:
    await check_day(18, template, orders=15, hours=1, replicas=1)


@pytest.mark.long
@pytest.mark.parametrize("seed", [18, 19])
async def test_every_rule_holds_after_a_day_on_postgresql(seed: int, template: Template) -> None:
    await check_day(seed, template, orders=ORDERS, hours=HOURS, replicas=2)


async def check_day(
    seed: int, template: Template, *, orders: int, hours: int, replicas: int
) -> None:
    """Simulate a day in which every rule must hold."""
    drawn = draw_plan(seed, orders=orders, hours=hours, rate_scale=Decimal("0.02"))
    # A look is some 25 statements, so this is a day of few: of limits at a fiftieth.
    plan = replace(
        drawn,
        replicas=replicas,
        bitcoin_share=0.1,
        between_watches=240.0,
        fault_rate=0.02,
        outages=0,
    )
    async with template.copy() as url:
        outcome, broken = await asyncio.to_thread(played, plan, url)
    assert outcome.breaches == []
    assert broken == {}
    assert outcome.over_limit == 0
    assert sum(outcome.orders_by_status.values()) == orders
    assert outcome.orders_by_status["BTC_SENT"] > 0
