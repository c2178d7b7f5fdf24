"""What the reconciler needs of whoever keeps the orders, and PostgreSQL as that keeper.

Each method is one short transaction, over when it returns. The simulation keeps its orders in
memory behind the same protocol.
"""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Protocol

from app.orders import aeonto_parameters, apply_reports, leases
from app.orders.apply import ApplyResult
from app.orders.apply_outputs import apply_outputs
from app.orders.leases import CreationTask, PollTask
from app.orders.pricing import Terms
from app.orders.rules.rails import Rail
from app.orders.rules.settlement import Settlement
from app.partners.aeonto.report import Report
from app.partners.aeonto.wire import OrderParameters
from app.partners.esplora.outputs import ReceivedOutput
from app.runtime.db.engine import Database


class OrderStore(Protocol):
    """Keeps orders, hands out jobs under leases, and applies what AEON.to says.

    `aside` names the orders to leave out. The claims raise OrderPoisoned.
    """

    async def overdue(self, now: datetime) -> Sequence[str]:
        """Return some orders that AEON.to did not accept by their deadline."""
        ...

    async def fail_overdue(self, order_id: str, now: datetime) -> ApplyResult:
        """End an order whose deadline has passed."""
        ...

    async def creation_is_due(self, now: datetime, aside: Collection[str]) -> bool:
        """Say whether any order waits to be created."""
        ...

    async def claim_creation(self, now: datetime, aside: Collection[str]) -> CreationTask | None:
        """Take the order that has waited longest to be created."""
        ...

    async def poll_is_due(self, rail: Rail, now: datetime, aside: Collection[str]) -> bool:
        """Say whether any order on a rail is due for a look."""
        ...

    async def claim_poll(
        self, rail: Rail, now: datetime, aside: Collection[str]
    ) -> PollTask | None:
        """Take the order on a rail that a look is most due for."""
        ...

    async def apply_created(self, job: CreationTask, report: Report, now: datetime) -> ApplyResult:
        """Keep the uuid that AEON.to gave an order, and what else it already said."""
        ...

    async def apply_report(
        self,
        job: PollTask,
        report: Report,
        now: datetime,
        settlement: Settlement | None = None,
    ) -> ApplyResult:
        """Do what a report means, and set when to look next.

        `settlement` is what the chain says of a report of BTC_SENT; None: it is not asked.
        """
        ...

    async def apply_outputs(
        self, job: PollTask, arrivals: Sequence[ReceivedOutput], now: datetime
    ) -> ApplyResult:
        """Do what the chain shows at the address of an order, and set when to look next."""
        ...

    async def fail_refused(self, job: CreationTask, now: datetime) -> ApplyResult:
        """End an order that AEON.to refused for good."""
        ...

    async def postpone(
        self,
        job: CreationTask | PollTask,
        pause: timedelta,
        alarm: str | None,
        now: datetime,
        why: str | None = None,
    ) -> ApplyResult:
        """Try again after a pause; `why` goes into the event of the alarm."""
        ...

    async def parameters_seen_at(self, now: datetime) -> datetime | None:
        """Return when AEON.to last stated its limits, unless that is too old to matter."""
        ...

    async def save_parameters(self, parameters: OrderParameters, now: datetime) -> None:
        """Keep what AEON.to said of its limits and price."""
        ...


class SqlOrderStore:
    """Orders in PostgreSQL, shared by every replica."""

    def __init__(self, database: Database, terms: Terms) -> None:
        """Keep orders in `database`; `terms` say what late or excessive bitcoin buys."""
        self._database = database
        self._valuation = terms.valuation()

    async def overdue(self, now: datetime) -> Sequence[str]:
        async with self._database.reading() as connection:
            return await apply_reports.overdue(connection, now)

    async def fail_overdue(self, order_id: str, now: datetime) -> ApplyResult:
        async with self._database.sessions() as session:
            return await apply_reports.fail_overdue(session, order_id, now)

    async def creation_is_due(self, now: datetime, aside: Collection[str]) -> bool:
        async with self._database.reading() as connection:
            return await leases.creation_is_due(connection, now, aside=aside)

    async def claim_creation(self, now: datetime, aside: Collection[str]) -> CreationTask | None:
        async with self._database.sessions() as session:
            return await leases.claim_creation(session, now, aside=aside)

    async def poll_is_due(self, rail: Rail, now: datetime, aside: Collection[str]) -> bool:
        async with self._database.reading() as connection:
            return await leases.poll_is_due(connection, rail, now, aside=aside)

    async def claim_poll(
        self, rail: Rail, now: datetime, aside: Collection[str]
    ) -> PollTask | None:
        async with self._database.sessions() as session:
            return await leases.claim_poll(session, rail, now, aside=aside)

    async def apply_created(self, job: CreationTask, report: Report, now: datetime) -> ApplyResult:
        async with self._database.sessions() as session:
            return await apply_reports.apply_created(session, job, report, now)

    async def apply_report(
        self,
        job: PollTask,
        report: Report,
        now: datetime,
        settlement: Settlement | None = None,
    ) -> ApplyResult:
        async with self._database.sessions() as session:
            return await apply_reports.apply_report(session, job, report, now, settlement)

    async def apply_outputs(
        self, job: PollTask, arrivals: Sequence[ReceivedOutput], now: datetime
    ) -> ApplyResult:
        async with self._database.sessions() as session:
            return await apply_outputs(session, job, arrivals, self._valuation, now)

    async def fail_refused(self, job: CreationTask, now: datetime) -> ApplyResult:
        async with self._database.sessions() as session:
            return await apply_reports.fail_refused(session, job, now)

    async def postpone(
        self,
        job: CreationTask | PollTask,
        pause: timedelta,
        alarm: str | None,
        now: datetime,
        why: str | None = None,
    ) -> ApplyResult:
        async with self._database.sessions() as session:
            return await apply_reports.postpone(
                session, job, pause=pause, alarm=alarm, why=why, now=now
            )

    async def parameters_seen_at(self, now: datetime) -> datetime | None:
        async with self._database.reading() as connection:
            known = await aeonto_parameters.known(connection, now)
        return known.seen_at if known else None

    async def save_parameters(self, parameters: OrderParameters, now: datetime) -> None:
        async with self._database.sessions() as session:
            await aeonto_parameters.save(session, parameters, now)
