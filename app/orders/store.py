"""What the reconciler needs of whoever keeps the orders, and PostgreSQL as that keeper.

Each method is one short transaction, over when it returns. The simulation keeps its orders in
memory behind the same protocol.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Protocol

from app.orders import aeonto_parameters, apply, leases
from app.orders.leases import CreationTask, PollTask
from app.orders.pricing import Terms
from app.orders.rules.facts import Observation
from app.orders.rules.rails import Rail
from app.orders.transitions import ApplyResult
from app.partners.aeonto.wire import OrderParameters
from app.runtime.db.engine import Database


class OrderStore(Protocol):
    """Keeps orders, hands out jobs under leases, and applies what was observed.

    `quarantined` names the orders to leave out. The claims raise OrderPoisoned.
    """

    async def overdue(self, now: datetime) -> Sequence[str]:
        """Return some orders that AEON.to did not accept by their deadline."""
        ...

    async def fail_overdue(self, order_id: str, now: datetime) -> ApplyResult:
        """End an order whose deadline has passed."""
        ...

    async def next_creation_at(self, quarantined: Collection[str]) -> datetime | None:
        """Return when the next order is due to be created; None: none waits for that."""
        ...

    async def claim_creation(
        self, now: datetime, quarantined: Collection[str]
    ) -> CreationTask | None:
        """Take the order that has waited longest to be created."""
        ...

    async def next_poll_at(self, rail: Rail, quarantined: Collection[str]) -> datetime | None:
        """Return when the next order on a rail is due for a look; None: none ever is."""
        ...

    async def claim_poll(
        self, rail: Rail, now: datetime, quarantined: Collection[str]
    ) -> PollTask | None:
        """Take the order on a rail that a look is most due for."""
        ...

    async def apply(
        self, job: CreationTask | PollTask, observation: Observation, now: datetime
    ) -> ApplyResult:
        """Do what an observation means, and set when to look next."""
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
            return await apply.overdue(connection, now)

    async def fail_overdue(self, order_id: str, now: datetime) -> ApplyResult:
        async with self._database.sessions() as session:
            return await apply.fail_overdue(session, order_id, self._valuation, now)

    async def next_creation_at(self, quarantined: Collection[str]) -> datetime | None:
        return await leases.next_creation_at(self._database, quarantined=quarantined)

    async def claim_creation(
        self, now: datetime, quarantined: Collection[str]
    ) -> CreationTask | None:
        async with self._database.sessions() as session:
            return await leases.claim_creation(session, now, quarantined=quarantined)

    async def next_poll_at(self, rail: Rail, quarantined: Collection[str]) -> datetime | None:
        return await leases.next_poll_at(self._database, rail, quarantined=quarantined)

    async def claim_poll(
        self, rail: Rail, now: datetime, quarantined: Collection[str]
    ) -> PollTask | None:
        async with self._database.sessions() as session:
            return await leases.claim_poll(session, rail, now, quarantined=quarantined)

    async def apply(
        self, job: CreationTask | PollTask, observation: Observation, now: datetime
    ) -> ApplyResult:
        async with self._database.sessions() as session:
            return await apply.apply(session, job, observation, self._valuation, now)

    async def parameters_seen_at(self, now: datetime) -> datetime | None:
        async with self._database.reading() as connection:
            known = await aeonto_parameters.known(connection, now)
        return known.seen_at if known else None

    async def save_parameters(self, parameters: OrderParameters, now: datetime) -> None:
        async with self._database.sessions() as session:
            await aeonto_parameters.save(session, parameters, now)
