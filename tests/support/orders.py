"""Orders for tests of the services: placed, sent to an upstream that is only told of, looked at."""

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final, NamedTuple, Self

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from app.ledger.models import Account
from app.orders import apply, leases
from app.orders import events as order_events
from app.orders.events import EventView
from app.orders.leases import CreationTask, PollTask
from app.orders.models import Order
from app.orders.place import Purchase
from app.orders.pricing import Terms
from app.orders.rules.facts import AeontoObservation, Observation, RefusedForGood, RequestFailed
from app.orders.rules.rails import Rail
from app.orders.rules.settlement import Settlement
from app.orders.rules.states import OrderStatus
from app.orders.transitions import ApplyResult
from app.partners.aeonto.report import Report
from app.runtime.db.engine import Database
from tests.support.application import BTC_DEST_ADDRESS
from tests.support.buying import buy
from tests.support.clock import HandClock
from tests.support.people import Person

CREDIT_PRICE_BTC = Decimal("0.0005")
TERMS = Terms(
    credit_price_btc=CREDIT_PRICE_BTC,
    max_credits_per_order=10_000,
    btc_dest_address=BTC_DEST_ADDRESS,
    granting_status=OrderStatus.BTC_SENT,
    create_deadline=timedelta(hours=1),
)


COINS: Final = {Rail.AEONTO: ("Aeon", "AEON"), Rail.BITCOIN: ("Bitcoin", "BTC")}


class OrderFacts(NamedTuple):
    """What a test reads of an order."""

    status: str
    credits_granted: int | None
    granted_at: datetime | None
    next_look_at: datetime | None
    lease_token: str | None
    failure_reason: str | None


async def place_order(
    database: Database,
    buyer: Person,
    now: datetime,
    *,
    number_of_credits: int = 10,
    terms: Terms = TERMS,
    access_code: str | None = None,
    rail: Rail = Rail.AEONTO,
) -> str:
    """Place an order as `new_order` does; return its id."""
    coin, network = COINS[rail]
    purchase = Purchase(number_of_credits, coin, network, access_code)
    placed = await buy(database, buyer.caller, purchase, terms, now)
    return placed.id


async def apply_observed(
    session: AsyncSession,
    job: CreationTask | PollTask,
    observation: Observation,
    now: datetime,
    terms: Terms = TERMS,
) -> ApplyResult:
    """Apply what was observed under the lease of a job."""
    return await apply.apply(session, job, observation, terms.valuation(), now)


async def apply_report(
    session: AsyncSession,
    job: CreationTask | PollTask,
    report: Report,
    now: datetime,
    settlement: Settlement | None = None,
) -> ApplyResult:
    """Apply an answer of AEON.to under the lease of a job, and what the chain says of it."""
    return await apply_observed(session, job, AeontoObservation(report, settlement), now)


async def apply_failure(
    session: AsyncSession,
    job: CreationTask | PollTask,
    *,
    pause: timedelta,
    alarm: str | None,
    now: datetime,
) -> ApplyResult:
    """Apply that the request of a job failed."""
    failed = RequestFailed(pause, alarm, None, creating=isinstance(job, CreationTask))
    return await apply_observed(session, job, failed, now)


async def apply_refusal(session: AsyncSession, job: CreationTask, now: datetime) -> ApplyResult:
    """Apply that AEON.to refused an order for good."""
    return await apply_observed(session, job, RefusedForGood(), now)


async def balance_of(database: Database, account_id: str) -> int:
    """Return the credits of an account."""
    async with database.reading() as connection:
        balance = await connection.scalar(select(Account.balance).where(Account.id == account_id))
    assert balance is not None
    return balance


async def count(database: Database, table: str, where: str = "true", **values: object) -> int:
    """Count the rows of a table."""
    query = text(f"SELECT count(*) FROM {table} WHERE {where}")  # noqa: S608  ours alone
    async with database.reading() as connection:
        found = await connection.scalar(query, values)
    assert isinstance(found, int)
    return found


async def end_leases(database: Database) -> None:
    """Let the time of every lease run out."""
    async with database.sessions() as session, session.begin():
        for table in ("orders", "assessments"):
            await session.execute(
                text(
                    f"UPDATE {table} SET lease_until = clock_timestamp() - interval '1 ms'"  # noqa: S608
                    " WHERE lease_until IS NOT NULL"
                )
            )


async def events_of(database: Database, order_id: str) -> list[EventView]:
    """Return an order's history, oldest first."""
    async with database.reading() as connection:
        return list(await order_events.history(connection, order_id))


async def read_order(database: Database, order_id: str) -> OrderFacts:
    """Return what a test reads of an order."""
    query = select(*(getattr(Order, name) for name in OrderFacts._fields))
    async with database.reading() as connection:
        return OrderFacts(*(await connection.execute(query.where(Order.id == order_id))).one())


class OneOrder:
    """One order and a clock; the test says what upstream answers."""

    rail = Rail.AEONTO

    def __init__(self, database: Database, clock: HandClock, order_id: str, uuid: str) -> None:
        self.database = database
        self.clock = clock
        self.id = order_id
        self.uuid = uuid

    @classmethod
    async def place(
        cls,
        database: Database,
        clock: HandClock,
        buyer: Person,
        **given: Any,  # noqa: ANN401
    ) -> Self:
        """Place an order that upstream has not heard of."""
        order_id = await place_order(database, buyer, clock.now(), rail=cls.rail, **given)
        return cls(database, clock, order_id, f"uuid-of-{order_id}")

    def says(self, state: str, **changes: Any) -> Report:  # noqa: ANN401  any field
        """Return a report about this order, true but for `changes`."""
        true = Report(
            state=state,
            uuid=self.uuid,
            btc_amount=10 * CREDIT_PRICE_BTC,
            btc_dest_address=BTC_DEST_ADDRESS,
        )
        return replace(true, **changes)

    async def claim_creation(self) -> CreationTask:
        """Take the order for its creation."""
        async with self.database.sessions() as session:
            job = await leases.claim_creation(session, self.clock.now())
        assert job is not None
        assert job.order_id == self.id
        return job

    async def created(
        self,
        state: str = "TO_BE_CREATED",
        **changes: Any,  # noqa: ANN401
    ) -> ApplyResult:
        """Let upstream accept the order."""
        job = await self.claim_creation()
        async with self.database.sessions() as session:
            return await apply_report(session, job, self.says(state, **changes), self.clock.now())

    async def claim_poll(self) -> PollTask:
        """Wait until the order is due, and take it for a look."""
        due = (await read_order(self.database, self.id)).next_look_at
        assert due is not None
        self.clock.advance(max(0.0, (due - self.clock.now()).total_seconds()))
        async with self.database.sessions() as session:
            job = await leases.claim_poll(session, self.rail, self.clock.now())
        assert job is not None
        assert job.order_id == self.id
        return job

    async def apply(
        self, job: PollTask, report: Report, settlement: Settlement | None = None
    ) -> ApplyResult:
        """Apply an answer under the lease of a job, and what the chain says of it."""
        async with self.database.sessions() as session:
            return await apply_report(session, job, report, self.clock.now(), settlement)

    async def reported(
        self,
        state: str,
        *,
        settlement: Settlement | None = None,
        **changes: Any,  # noqa: ANN401
    ) -> ApplyResult:
        """Look at the order when it is due, and let upstream and the chain say this."""
        return await self.apply(await self.claim_poll(), self.says(state, **changes), settlement)

    async def facts(self) -> OrderFacts:
        """Read the order."""
        return await read_order(self.database, self.id)

    async def path(self) -> list[str]:
        """Return the states that the order went through, from its accepted events."""
        events = await events_of(self.database, self.id)
        return [event.to_status for event in events if event.kind == "moved"]

    async def notes(self) -> list[tuple[str, str]]:
        """Return the kinds and reasons of the events that moved nothing."""
        events = await events_of(self.database, self.id)
        return [(event.kind, event.reason) for event in events if event.kind != "moved"]
