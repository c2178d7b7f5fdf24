"""Orders in memory, behind the protocol of the real store, for simulated days.

The rows, what an observation means and how it is saved are those of the real store; here stands only
where the rows are kept, and which order is due. A test gives this store and PostgreSQL the same
operations and compares what they answer and keep.
"""

import heapq
from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from functools import partial
from itertools import count
from typing import Final

from app.ledger.actors import WORKER, Actor
from app.orders.aeonto_parameters import TRUSTED_FOR
from app.orders.cancel import CANCELLED_BY_BUYER
from app.orders.events import moved
from app.orders.leases import LEASE, CreationTask, PollTask
from app.orders.models import Order, Payment
from app.orders.pricing import Terms
from app.orders.rows import OrderRows, aeonto_facts, bitcoin_facts, order_facts
from app.orders.rules.bitcoin_payments import Valuation
from app.orders.rules.facts import (
    AeontoObservation,
    BitcoinObservation,
    Observation,
    OrderFacts,
)
from app.orders.rules.own_moves import cancellation, failure
from app.orders.rules.placing import ADDRESS_GIVEN, ORDERED, await_bitcoin, new_order
from app.orders.rules.poll_schedule import poll_when_requested
from app.orders.rules.rails import Rail
from app.orders.rules.states import OrderStatus
from app.orders.rules.transition import OrderFailureReason, Transition
from app.orders.store import OrderStore
from app.orders.transitions import ApplyResult, carry_out, save
from app.partners.aeonto.wire import OrderParameters
from app.runtime.clock import Clock
from app.simulation.books import Books
from app.simulation.calendar import Work
from app.simulation.due import DueOrders
from app.simulation.journal import MemoryJournal

_OVERDUE_AT_ONCE: Final = 100
_COINS: Final = {Rail.AEONTO: ("Aeon", "AEON"), Rail.BITCOIN: ("Bitcoin", "BTC")}


class MemoryStore:
    """Orders, payments, events, credits and leases. `clock` is the one that leases run on."""

    def __init__(
        self,
        clock: Clock,
        notice: Callable[[str], None],
        changed: Callable[[Work], None],
        *,
        valuation: Valuation,
    ) -> None:
        """Begin empty.

        `notice` is told of every event and every entry; `changed`, when an order waits anew;
        `valuation` says what late or excessive bitcoin buys.
        """
        self._clock = clock
        self._valuation = valuation
        self._rows: dict[str, OrderRows] = {}
        self._deadlines: list[tuple[datetime, str]] = []
        self._journal = MemoryJournal(notice)
        self._creations = DueOrders(partial(changed, Work.CREATIONS))
        self._polls = {
            Rail.AEONTO: DueOrders(partial(changed, Work.LOOKS)),
            Rail.BITCOIN: DueOrders(lambda: None),  # its loops wait for nothing
        }
        self._parameters_seen_at: datetime | None = None
        self._numbers = count(1)
        self._addresses = count()

    # What a buyer does

    async def place(
        self, account_id: str, number_of_credits: int, rail: Rail, terms: Terms, now: datetime
    ) -> str:
        """Place an order; return its id. Raises ValueError for a rail that is not offered."""
        if rail is Rail.BITCOIN and terms.bitcoin is None:
            raise ValueError("bitcoin is not offered")
        coin, network = _COINS[rail]
        order_id = f"ord_{next(self._numbers):06}"
        columns = new_order(
            order_id,
            buyer_id=account_id,
            beneficiary_id=account_id,
            number_of_credits=number_of_credits,
            payment_coin=coin,
            payment_network=network,
            rail=rail,
            terms=terms,
            now=now,
        )
        payment, moves = None, [ORDERED]
        if rail is Rail.BITCOIN and terms.bitcoin is not None:
            address = terms.bitcoin.wallet.address(next(self._addresses))
            payment = Payment(**await_bitcoin(columns, terms.bitcoin, address, now))
            moves.append(ADDRESS_GIVEN)
        else:
            heapq.heappush(self._deadlines, (columns["create_by"], order_id))
        order = Order(**columns, sighting_count=0, failed_count=0)
        rows = self._rows[order_id] = OrderRows(order, payment)
        self._journal.balances.setdefault(account_id, 0)
        for move in moves:
            await self._journal.write_event(moved(order_id, move, now))
        self._wait(rows)
        return order_id

    def read(self, order_id: str) -> OrderRows:
        """Return the rows of an order."""
        return self._rows[order_id]

    def ask(self, order_id: str, now: datetime) -> None:
        """Bring an order forward that somebody asked about."""
        rows = self._rows[order_id]
        order, payment = rows.order, rows.payment
        rail, unsettled = Rail(order.rail), bool(payment and payment.settlement_claimed_at)
        look = poll_when_requested(OrderStatus(order.status), now, rail=rail, unsettled=unsettled)
        if look is None or order.next_look_at is None or order.next_look_at <= look.at:
            return
        order.next_look_at = look.at
        order.look_urgency = max(order.look_urgency, look.urgency)
        if not self._polls[rail].is_held(order, self._clock.now()):
            self._polls[rail].wait(order)

    async def cancel(self, order_id: str, now: datetime) -> bool:
        """Cancel an order for its buyer; say whether it is cancelled: one that was paid is not."""
        rows = self._rows[order_id]
        if rows.order.status == OrderStatus.CANCELLED:
            return True
        change = cancellation(
            order_facts(rows.order),
            reason=CANCELLED_BY_BUYER,
            cancelled_by=rows.order.buyer_id,
            accepted=rows.payment is not None,
            now=now,
        )
        if change is not None:
            await self._save(rows, change, now)
        return change is not None

    def earliest(self, work: Work) -> datetime | None:
        """Return when the next order over AEON.to may be due; None when none waits."""
        due = self._creations if work is Work.CREATIONS else self._polls[Rail.AEONTO]
        return due.earliest()

    def books(self) -> Books:
        """Return all that is kept."""
        journal = self._journal
        return Books(
            list(self._rows.values()),
            journal.events,
            journal.entries,
            journal.balances,
            {order_id: output for output, order_id in journal.settled.items()},
        )

    # What the reconciler asks for

    async def overdue(self, now: datetime) -> Sequence[str]:
        while self._deadlines and not self._waits_for_creation(self._deadlines[0][1]):
            heapq.heappop(self._deadlines)
        if not self._deadlines or self._deadlines[0][0] > now:
            return []
        ids = [order_id for create_by, order_id in self._deadlines if create_by <= now]
        late = [order_id for order_id in ids if self._is_overdue(order_id, now)]
        return late[:_OVERDUE_AT_ONCE]

    async def fail_overdue(self, order_id: str, now: datetime) -> ApplyResult:
        if not self._is_overdue(order_id, now):
            return ApplyResult(lease_lost=True)
        rows = self._rows[order_id]
        change = failure(order_facts(rows.order), OrderFailureReason.DEADLINE)
        return await self._save(rows, change, now)

    async def next_creation_at(self, quarantined: Collection[str]) -> datetime | None:
        return self._creations.next_at(self._clock.now(), quarantined)

    async def claim_creation(
        self, now: datetime, quarantined: Collection[str]
    ) -> CreationTask | None:
        rows = self._claim(self._creations, now, quarantined)
        if rows is None:
            return None
        order = rows.order
        return CreationTask(
            order.id, order.lease_token or "", order.btc_amount, order.btc_dest_address
        )

    async def next_poll_at(self, rail: Rail, quarantined: Collection[str]) -> datetime | None:
        return self._polls[rail].next_at(self._clock.now(), quarantined)

    async def claim_poll(
        self, rail: Rail, now: datetime, quarantined: Collection[str]
    ) -> PollTask | None:
        rows = self._claim(self._polls[rail], now, quarantined)
        if rows is None or rows.payment is None:
            return None
        order, uuid = rows.order, rows.payment.uuid
        return PollTask(
            order.id, order.lease_token or "", rail, uuid, order.btc_amount, order.btc_dest_address
        )

    async def apply(
        self, job: CreationTask | PollTask, observation: Observation, now: datetime
    ) -> ApplyResult:
        rows = self._rows[job.order_id]
        if rows.order.lease_token != job.lease_token:
            return ApplyResult(lease_lost=True)
        actor = Actor(WORKER, job.lease_token)
        facts = self._facts(rows, observation)
        applied = await carry_out(self._journal, rows, facts, observation, actor=actor, now=now)
        self._wait(rows)
        return applied

    async def parameters_seen_at(self, now: datetime) -> datetime | None:
        seen_at = self._parameters_seen_at
        return seen_at if seen_at is not None and seen_at >= now - TRUSTED_FOR else None

    async def save_parameters(self, _parameters: OrderParameters, now: datetime) -> None:
        self._parameters_seen_at = now

    # How it is kept

    def _facts(self, rows: OrderRows, observation: Observation) -> OrderFacts:
        match observation:
            case AeontoObservation(report):
                return aeonto_facts(rows, uuid_is_taken=report.uuid in self._journal.uuids)
            case BitcoinObservation(arrivals):
                settled = {
                    arrival.id for arrival in arrivals if arrival.id in self._journal.settled
                }
                return bitcoin_facts(
                    rows, settled=settled, known_height=None, valuation=self._valuation
                )
            case _:
                return order_facts(rows.order)

    async def _save(self, rows: OrderRows, change: Transition, now: datetime) -> ApplyResult:
        order = rows.order
        actor = Actor(WORKER, order.lease_token or "")
        held = change.keeps_lease and self._is_held(rows)
        applied = await save(self._journal, rows, change, actor=actor, now=now)
        if not held:
            self._wait(rows)
        return applied

    def _wait(self, rows: OrderRows) -> None:
        if rows.payment is None:
            self._creations.wait(rows.order)
        else:
            self._creations.forget(rows.order)
            self._polls[Rail(rows.order.rail)].wait(rows.order)

    def _is_held(self, rows: OrderRows) -> bool:
        due = self._creations if rows.payment is None else self._polls[Rail(rows.order.rail)]
        return due.is_held(rows.order, self._clock.now())

    def _waits_for_creation(self, order_id: str) -> bool:
        rows = self._rows[order_id]
        return rows.order.status == OrderStatus.TO_BE_CREATED and rows.payment is None

    def _is_overdue(self, order_id: str, now: datetime) -> bool:
        order = self._rows[order_id].order
        return (
            self._waits_for_creation(order_id)
            and order.create_by <= now
            and order.next_look_at is not None
            and order.next_look_at <= now
            and not self._creations.is_held(order, self._clock.now())
        )

    def _claim(
        self, due: DueOrders, now: datetime, quarantined: Collection[str]
    ) -> OrderRows | None:
        true_now = self._clock.now()
        order = due.weightiest(now, true_now, quarantined)
        if order is None:
            return None
        order.lease_token = f"lease_{next(self._numbers)}"
        order.lease_until = true_now + LEASE
        due.hold(order, order.lease_until)
        return self._rows[order.id]


_: Callable[..., OrderStore] = MemoryStore
