"""The store in memory and PostgreSQL answer and keep the same, whatever is asked of them."""

import random
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from app.orders.leases import LEASE, CreationTask, PollTask
from app.orders.pricing import BitcoinTerms, Terms
from app.orders.rows import OrderRows
from app.orders.rules.facts import (
    AeontoObservation,
    BitcoinObservation,
    RefusedForGood,
    RequestFailed,
)
from app.orders.rules.rails import Rail
from app.orders.rules.settlement import Settlement, SettlementFault, Unverified, Verified
from app.orders.rules.states import OrderStatus
from app.orders.store import OrderStore
from app.partners.aeonto.report import Report
from app.partners.aeonto.wire import OrderParameters
from app.partners.esplora.outputs import ReceivedOutput
from app.runtime.clock import Clock
from app.runtime.db.engine import create_database
from app.runtime.money import in_satoshi
from app.simulation.books import Books
from app.simulation.offers import WALLET
from app.simulation.store import MemoryStore
from tests.simulation import database_time
from tests.simulation.stores import SqlShop
from tests.support.clock import HandClock
from tests.support.orders import TERMS
from tests.support.people import make_user

SEEDS = range(3)
STEPS = 150
STATES = (*OrderStatus, "EXPLODED", "btc_sent")
PAUSES = (0.0, 0.3, 2.0, 5.0, LEASE.total_seconds(), 60.0, 301.0, 3700.0)
BITCOIN = BitcoinTerms(
    wallet=WALLET,
    confirmations=2,
    unconfirmed_up_to_btc=Decimal("0.003"),
    one_confirmation_up_to_btc=Decimal("0.01"),
    payment_window=timedelta(seconds=900),
    late_grace=timedelta(seconds=600),
    excess_to_credits=False,
)
PARAMETERS = OrderParameters(
    price_btc=Decimal("0.017"),
    lower_limit_btc=Decimal("0.002"),
    upper_limit_btc=Decimal(20),
    zero_conf_enabled=True,
    zero_conf_max_amount_btc=Decimal("0.1"),
)


@dataclass
class MemoryShop:
    """Orders in memory, behind the face that PostgreSQL has in these tests."""

    store: MemoryStore
    clock: Clock

    async def place(self, account_id: str, number_of_credits: int, rail: Rail, terms: Terms) -> str:
        now = self.clock.now()
        return await self.store.place(account_id, number_of_credits, rail, terms, now)

    async def ask(self, order_id: str) -> None:
        self.store.ask(order_id, self.clock.now())

    async def cancel(self, _account_id: str, order_id: str) -> bool:
        return await self.store.cancel(order_id, self.clock.now())

    async def books(self) -> Books:
        return self.store.books()


Shop = MemoryShop | SqlShop
Job = CreationTask | PollTask


@dataclass
class Side:
    """One of the two stores, with its own ids: `orders` and `jobs` in the order of their making."""

    shop: Shop
    orders: list[str]
    jobs: list[Job | None]

    @property
    def store(self) -> OrderStore:
        return self.shop.store

    def number(self, order_id: str) -> int:
        return self.orders.index(order_id)

    def shown(self, answer: object) -> object:
        """Return an answer with numbers in the place of ids."""
        match answer:
            case CreationTask() | PollTask():
                return replace(answer, order_id=str(self.number(answer.order_id)), lease_token="")
            case list():
                return sorted(self.number(order_id) for order_id in answer)
            case _:
                return answer

    async def kept(self) -> dict[str, object]:
        """Return the books with numbers in the place of ids, and leases without their tokens."""
        books = await self.shop.books()
        return {
            "orders": [self.columns(each) for each in books.orders],
            "events": [
                replace(one, order_id=str(self.number(one.order_id))) for one in books.events
            ],
            "entries": [
                replace(entry, order_id=str(self.number(entry.order_id or "")))
                for entry in books.entries
            ],
            "balances": {
                account: balance for account, balance in books.balances.items() if balance
            },
            "settlements": {
                self.number(order_id): output for order_id, output in books.settlements.items()
            },
        }

    def columns(self, rows: OrderRows) -> list[dict[str, object]]:
        """Return every column of the rows of an order."""
        number = self.number(rows.order.id)
        outputs = [rows.outputs[output_id] for output_id in sorted(rows.outputs)]
        found = [
            {column.key: getattr(row, column.key) for column in type(row).__table__.columns}
            for row in (rows.order, *((rows.payment,) if rows.payment else ()), *outputs)
        ]
        for columns in found:
            columns["order_id"] = columns["id"] = number
            columns["lease_token"] = "held" if columns.get("lease_token") else None
        return found


@pytest.fixture
async def sides(seed: int, database_url: str) -> AsyncIterator[tuple[Side, Side]]:
    """An empty store of each kind, under one clock and one set of terms, which the seed decides."""
    today = replace(TERMS, bitcoin=replace(BITCOIN, excess_to_credits=seed % 2 == 0))
    await database_time.prepare(database_url)
    clock = HandClock()
    database = create_database(database_url)
    database_time.follow(database, clock.now)
    memory = MemoryStore(clock, lambda _: None, lambda _: None, valuation=today.valuation())
    yield (
        Side(MemoryShop(memory, clock), [], []),
        Side(SqlShop(database, clock, today), [], []),
    )
    await database.dispose()


class StorePair:
    """Asks both sides the same, and compares what they say."""

    def __init__(self, sides: tuple[Side, Side], account_id: str, seed: int) -> None:
        self.sides = sides
        self.account_id = account_id
        self.random = random.Random(seed)  # noqa: S311  a test repeats itself
        self.clock = sides[0].shop.clock
        self.arrivals: dict[int, list[ReceivedOutput]] = {}
        assert isinstance(self.clock, HandClock)

    def now(self) -> datetime:
        """Return the time as some replica has it."""
        return self.clock.now() + timedelta(seconds=self.random.choice((0, 0, 2, -2)))

    async def same(self, name: str, *arguments: Any) -> object:  # noqa: ANN401  as the store has it
        """Call one method of both stores; a list or an order goes by its number."""
        answers = []
        for side in self.sides:
            given = [_translated(side, argument) for argument in arguments]
            answers.append((side, await getattr(side.store, name)(*given)))
        shown = [side.shown(answer) for side, answer in answers]
        assert shown[0] == shown[1], name
        if name.startswith("claim") and shown[0] is not None:
            for side, answer in answers:
                side.jobs.append(answer)
        return shown[0]

    async def place(self) -> None:
        rail = self.random.choice(list(Rail))
        terms = replace(
            TERMS,
            granting_status=self.random.choice((OrderStatus.PAID, OrderStatus.BTC_SENT)),
            bitcoin=BITCOIN,
        )
        if rail is Rail.BITCOIN:
            price = self.random.choice((Decimal("0.0004"), Decimal("0.0005"), Decimal("0.0006")))
            terms = replace(terms, credit_price_btc=price)
        number_of_credits = self.random.randint(4, 50)
        for side in self.sides:
            side.orders.append(
                await side.shop.place(self.account_id, number_of_credits, rail, terms)
            )

    async def ask(self) -> None:
        if orders := self.sides[0].orders:
            number = self.random.randrange(len(orders))
            for side in self.sides:
                await side.shop.ask(side.orders[number])

    async def cancel(self) -> None:
        if orders := self.sides[0].orders:
            number = self.random.randrange(len(orders))
            done = [
                await side.shop.cancel(self.account_id, side.orders[number]) for side in self.sides
            ]
            assert done[0] == done[1]

    async def claim(self) -> None:
        quarantined = [
            Number(number)
            for number in range(len(self.sides[0].orders))
            if self.random.random() < 0.1
        ]
        now = self.now()
        if self.random.random() < 0.3:
            await self.same("next_creation_at", quarantined)
            await self.same("claim_creation", now, quarantined)
        else:
            rail = self.random.choice(list(Rail))
            await self.same("next_poll_at", rail, quarantined)
            await self.same("claim_poll", rail, now, quarantined)

    async def apply(self) -> None:
        """Finish a job, perhaps one that was finished before or that another has taken over."""
        jobs = self.sides[0].jobs
        if not jobs:
            return
        newest = self.random.random() < 0.7
        number = len(jobs) - 1 if newest else self.random.randrange(len(jobs))
        job, now = jobs[number], self.now()
        draw = self.random.random()
        if draw < 0.2:
            pause = timedelta(seconds=self.random.choice((2.5, 9.0)))
            alarm = self.random.choice((None, "aeonto_Forbidden", "order_set_aside"))
            creating = isinstance(job, CreationTask)
            failed = RequestFailed(pause, alarm, None, creating)
            await self.same("apply", JobNumber(number), failed, now)
        elif isinstance(job, CreationTask) and draw < 0.25:
            await self.same("apply", JobNumber(number), RefusedForGood(), now)
        elif isinstance(job, CreationTask):
            created = AeontoObservation(self.report(job))
            await self.same("apply", JobNumber(number), created, now)
        elif isinstance(job, PollTask) and job.uuid is None:
            arrivals = self.arrivals_for(self.sides[0].number(job.order_id))
            await self.same("apply", JobNumber(number), BitcoinObservation(arrivals), now)
        elif job is not None:
            observation = AeontoObservation(self.report(job), self.settlement())
            await self.same("apply", JobNumber(number), observation, now)

    def report(self, job: Job) -> Report:
        """Return what AEON.to may say: mostly the truth, and mostly a state further up."""
        choice = self.random.choice
        order = self.sides[0].shop.store.read(job.order_id).order  # type: ignore[union-attr]
        uuid = job.uuid if isinstance(job, PollTask) else f"uuid-{self.random.randrange(40)}"
        true = self.random.random() < 0.85
        return Report(
            state=choice(STATES),
            uuid=uuid if true else choice((None, "", "uuid-1", "uuid-of-nobody")),
            btc_amount=order.btc_amount if true else choice((None, Decimal("0.1"))),
            btc_dest_address=order.btc_dest_address if true else choice((None, "1Boat")),
            receiving_integrated_address=choice((None, "Sz4")),
            incoming_amount_total=choice((None, Decimal("14.4265105"))),
            remaining_amount_incoming=choice((None, Decimal("0.0"))),
            incoming_num_confirmations_remaining=choice((None, -1, 3)),
            btc_transaction_id=choice((None, "tx")),
            created_at=choice((None, order.created_at)),
            expires_at=choice((None, self.clock.now() + timedelta(seconds=90))),
        )

    def settlement(self) -> Settlement | None:
        """Return what the chain may say; its outputs are few, so that orders share them."""
        draw = self.random.random()
        if draw < 0.4:
            return None
        if draw < 0.7:
            return Unverified(self.random.choice(list(SettlementFault)), "a test")
        first = self.random.randrange(3)
        return Verified("ab" * 32, (first, first + 1), self.random.randint(1, 6))

    def arrivals_for(self, number: int) -> Sequence[ReceivedOutput]:
        """Return what the chain shows for an order by now: outputs come, change and vanish."""
        choice, draw = self.random.choice, self.random.random
        order = self.sides[0].shop.store.read(self.sides[0].orders[number]).order  # type: ignore[union-attr]
        shown = self.arrivals.setdefault(number, [])
        shown[:] = [self.changed(arrival) for arrival in shown if draw() > 0.1]
        if draw() < 0.6:
            due = in_satoshi(order.btc_amount)
            value = choice((1, 545, due // 2, due - 1, due, due, due + 60_000, 3 * due))
            shown.append(
                ReceivedOutput(
                    txid=f"{self.random.getrandbits(256):064x}",
                    output_index=self.random.randrange(3),
                    value_satoshi=value,
                    confirmations=0,
                    replaceable=draw() < 0.5,
                    block_time=None,
                    seen_by_all=draw() < 0.8,
                )
            )
        return tuple(shown)

    def changed(self, arrival: ReceivedOutput) -> ReceivedOutput:
        """Return an output as it may be shown the next time: in a block, or in none any more."""
        draw = self.random.random()
        if draw < 0.1:
            return replace(arrival, confirmations=0, block_time=None)
        if draw < 0.4:
            return arrival
        mined_at = self.clock.now() - timedelta(seconds=self.random.randint(-600, 7200))
        return replace(
            arrival,
            confirmations=arrival.confirmations + 1,
            block_time=arrival.block_time or mined_at,
            seen_by_all=True,
        )

    async def end_overdue(self) -> None:
        now = self.now()
        late = await self.same("overdue", now)
        assert isinstance(late, list)
        for number in [*late, *([0] if self.sides[0].orders else [])]:
            await self.same("fail_overdue", Number(number), now)

    async def learn(self) -> None:
        await self.same("parameters_seen_at", self.now())
        await self.same("save_parameters", PARAMETERS, self.now())

    async def step(self) -> None:
        """Do one thing on both sides; time passes between any two."""
        pause = self.random.choices(PAUSES, (6, 6, 6, 6, 3, 2, 1, 0.3))[0]
        self.clock.advance(pause + self.random.uniform(0.001, 0.2))  # type: ignore[attr-defined]
        act = self.random.choices(
            (
                self.place,
                self.claim,
                self.apply,
                self.ask,
                self.cancel,
                self.end_overdue,
                self.learn,
            ),
            (1, 4, 5, 1, 0.4, 0.5, 0.2),
        )[0]
        await act()


@dataclass(frozen=True)
class Number:
    """Stands for the id of an order."""

    number: int


@dataclass(frozen=True)
class JobNumber:
    """Stands for a job."""

    number: int


def _translated(side: Side, argument: object) -> object:
    match argument:
        case Number(number):
            return side.orders[number]
        case JobNumber(number):
            return side.jobs[number]
        case list():
            return [_translated(side, element) for element in argument]
        case _:
            return argument


@pytest.mark.parametrize("seed", SEEDS)
async def test_both_stores_answer_and_keep_the_same(sides: tuple[Side, Side], seed: int) -> None:
    sql = sides[1].shop
    assert isinstance(sql, SqlShop)
    buyer = await make_user(sql.database, sql.clock.now())
    both = StorePair(sides, buyer.account_id, seed)
    for _ in range(STEPS):
        await both.step()
    memory, real = [await side.kept() for side in sides]
    assert memory == real
    assert len((await sql.books()).events) > STEPS / 10


@pytest.mark.parametrize("seed", [0])
async def test_both_stores_ring_at_the_same_failure_in_a_row(sides: tuple[Side, Side]) -> None:
    sql = sides[1].shop
    assert isinstance(sql, SqlShop)
    buyer = await make_user(sql.database, sql.clock.now())
    both = StorePair(sides, buyer.account_id, 0)
    for side in sides:
        terms = replace(TERMS, bitcoin=BITCOIN)
        side.orders.append(await side.shop.place(buyer.account_id, 10, Rail.BITCOIN, terms))
    rung = []
    for answered in (False, False, True, False, False, False, False):
        both.clock.advance(301)  # type: ignore[attr-defined]
        await both.same("claim_poll", Rail.BITCOIN, both.clock.now(), [])
        job, now = JobNumber(len(sides[0].jobs) - 1), both.clock.now()
        if answered:
            await both.same("apply", job, BitcoinObservation(()), now)
        else:
            failed = RequestFailed(timedelta(0), "chain_needs_operator", None, creating=False)
            rung.append(await both.same("apply", job, failed, now))
    assert [applied.alarm for applied in rung] == [  # type: ignore[attr-defined]
        None, None, None, None, "chain_needs_operator", None,
    ]  # fmt: skip
    memory, real = [await side.kept() for side in sides]
    assert memory == real
