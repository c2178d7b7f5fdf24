"""Orders in memory, behind the protocol of the real store, for simulated days.

What a report or an arrival means, when to look next and what an answer to a creation must say are
the same pure functions that the real store executes. Here stands only how what follows is kept. A
test gives this store and PostgreSQL the same operations and compares what they answer and keep.
"""

import heapq
from collections.abc import Callable, Collection, Sequence
from datetime import datetime, timedelta
from itertools import count
from typing import Final

from app.orders.aeonto_parameters import TRUSTED_FOR
from app.orders.apply import ApplyResult, Observation
from app.orders.apply_reports import OrderFailureReason
from app.orders.events import evidence_of
from app.orders.leases import LEASE, CreationTask, PollTask
from app.orders.models.order_events import OrderEventKind
from app.orders.pricing import BitcoinTerms, Terms
from app.orders.rules.bitcoin_payments import Valuation
from app.orders.rules.failures import after_failure
from app.orders.rules.poll_schedule import (
    Urgency,
    creation_again,
    look_after_failure,
    look_when_asked,
)
from app.orders.rules.rails import Rail
from app.orders.rules.reports import Decision, creation_fault, evaluate_report, payment_details
from app.orders.rules.settlement import ALL_TAKEN, Settlement, Verified
from app.orders.rules.states import MOVES, Move, OrderStatus
from app.orders.store import OrderStore
from app.orders.transitions import Grant
from app.partners.aeonto.report import Report
from app.partners.aeonto.wire import OrderParameters
from app.partners.esplora.outputs import ReceivedOutput
from app.runtime.clock import Clock
from app.simulation.bitcoin_books import apply_outputs, give_address
from app.simulation.books import Books, KeptOrder, KeptPayment, facts_of
from app.simulation.calendar import Work
from app.simulation.due import DueOrders
from app.simulation.keeping import Keeping, Notice

_OVERDUE_AT_ONCE: Final = 100
_PLACED: Final = OrderStatus.TO_BE_CREATED


class MemoryStore:
    """Orders, payments, events, credits and leases. `clock` is the one that leases run on."""

    def __init__(
        self,
        clock: Clock,
        notice: Notice,
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
        self._orders: dict[str, KeptOrder] = {}
        self._by_uuid: dict[str, KeptOrder] = {}
        self._deadlines: list[tuple[datetime, str]] = []
        self._keeping = Keeping(notice, changed)
        self._parameters_seen_at: datetime | None = None
        self._settled: set[tuple[str, int]] = set()
        self._numbers = count(1)
        self._addresses = count()

    # What a buyer does

    def place(
        self, account_id: str, number_of_credits: int, rail: Rail, terms: Terms, now: datetime
    ) -> str:
        """Place an order; return its id. Raises ValueError for a rail that is not offered."""
        order = KeptOrder(
            id=f"ord_{next(self._numbers):06}",
            account_id=account_id,
            number_of_credits=number_of_credits,
            rail=rail,
            price_btc=terms.credit_price_btc,
            btc_amount=number_of_credits * terms.credit_price_btc,
            btc_dest_address=terms.btc_dest_address,
            granting_status=terms.granting_status,
            create_by=now + terms.create_deadline,
            created_at=now,
            status=_PLACED,
            status_since=now,
            next_look_at=now,
            look_urgency=Urgency.ADDRESS,
        )
        self._orders[order.id] = order
        self._keeping.balances.setdefault(account_id, 0)
        self._keeping.journal.moved(order, None, _PLACED, now, reason="ordered", evidence=None)
        if rail is Rail.BITCOIN:
            self._await_bitcoin(order, terms.bitcoin, now)
        else:
            heapq.heappush(self._deadlines, (order.create_by, order.id))
            self._keeping.creations.wait(order)
        return order.id

    def read(self, order_id: str) -> KeptOrder:
        """Return an order."""
        return self._orders[order_id]

    def ask(self, order_id: str, now: datetime) -> None:
        """Bring an order forward that somebody asked about."""
        order = self._orders[order_id]
        look = look_when_asked(
            order.status, now, rail=order.rail, unsettled=order.claimed_at is not None
        )
        if look is None or order.next_look_at is None or order.next_look_at <= look.at:
            return
        order.next_look_at = look.at
        order.look_urgency = max(order.look_urgency, look.urgency)
        looks = self._keeping.looks[order.rail]
        if not looks.is_held(order, self._clock.now()):
            looks.wait(order)

    def cancel(self, order_id: str, now: datetime) -> bool:
        """Cancel an order for its buyer; say whether it is cancelled: one that was paid is not."""
        order = self._orders[order_id]
        if order.status is not OrderStatus.CANCELLED:
            if MOVES[order.status, OrderStatus.CANCELLED] is not Move.CANCEL:
                return False
            self._keeping.cancel(order, now, held=self._is_held(order))
        return True

    def earliest(self, work: Work) -> datetime | None:
        """Return when the next order over AEON.to may be due; None when none waits."""
        keeping = self._keeping
        due = keeping.creations if work is Work.CREATIONS else keeping.looks[Rail.AEONTO]
        return due.earliest()

    def books(self) -> Books:
        """Return all that is kept."""
        keeping = self._keeping
        return Books(
            list(self._orders.values()), keeping.journal.events, keeping.entries, keeping.balances
        )

    # What the reconciler asks for

    async def overdue(self, now: datetime) -> Sequence[str]:
        while self._deadlines and not self._waits_for_creation(self._deadlines[0][1]):
            heapq.heappop(self._deadlines)
        if not self._deadlines or self._deadlines[0][0] > now:
            return []
        ids = [order_id for create_by, order_id in self._deadlines if create_by <= now]
        late = [order_id for order_id in ids if self._is_overdue(self._orders[order_id], now)]
        return late[:_OVERDUE_AT_ONCE]

    async def fail_overdue(self, order_id: str, now: datetime) -> ApplyResult:
        order = self._orders[order_id]
        if not self._is_overdue(order, now):
            return ApplyResult(lease_lost=True)
        return self._keeping.fail(order, OrderFailureReason.DEADLINE, now)

    async def creation_is_due(self, now: datetime, aside: Collection[str]) -> bool:
        return self._keeping.creations.weightiest(now, self._clock.now(), aside) is not None

    async def claim_creation(self, now: datetime, aside: Collection[str]) -> CreationTask | None:
        order = self._claim(self._keeping.creations, now, aside)
        if order is None:
            return None
        return CreationTask(
            order.id, order.lease_token or "", order.btc_amount, order.btc_dest_address
        )

    async def poll_is_due(self, rail: Rail, now: datetime, aside: Collection[str]) -> bool:
        looks = self._keeping.looks[rail]
        return looks.weightiest(now, self._clock.now(), aside) is not None

    async def claim_poll(
        self, rail: Rail, now: datetime, aside: Collection[str]
    ) -> PollTask | None:
        order = self._claim(self._keeping.looks[rail], now, aside)
        if order is None or order.payment is None:
            return None
        return PollTask(
            order.id,
            order.lease_token or "",
            order.payment.uuid,
            order.btc_amount,
            order.btc_dest_address,
        )

    async def apply_created(self, job: CreationTask, report: Report, now: datetime) -> ApplyResult:
        order = self._under_lease(job)
        if order is None:
            return ApplyResult(lease_lost=True)
        fault = creation_fault(
            report,
            btc_amount=order.btc_amount,
            btc_dest_address=order.btc_dest_address,
            uuid_is_taken=report.uuid in self._by_uuid,
        )
        if fault is not None:
            evidence = evidence_of(report)
            self._keeping.journal.noted(
                order.id,
                OrderEventKind.REFUSED,
                fault,
                status=order.status,
                reported=report.state,
                now=now,
                evidence=evidence,
            )
            order.failures = None
            self._keeping.reschedule(order, creation_again(order.status, now))
            return ApplyResult(refused=fault)
        uuid = report.uuid or ""
        order.payment = KeptPayment(uuid, now, {"state": OrderStatus.TO_BE_CREATED})
        self._by_uuid[uuid] = order
        return self._apply(order, uuid, report, None, now)

    async def apply_report(
        self,
        job: PollTask,
        report: Report,
        now: datetime,
        settlement: Settlement | None = None,
    ) -> ApplyResult:
        order = self._under_lease(job)
        if order is None:
            return ApplyResult(lease_lost=True)
        return self._apply(order, job.uuid, report, settlement, now)

    async def apply_outputs(
        self, job: PollTask, arrivals: Sequence[ReceivedOutput], now: datetime
    ) -> ApplyResult:
        order = self._under_lease(job)
        if order is None or order.payment is None:
            return ApplyResult(lease_lost=True)
        return apply_outputs(
            self._keeping,
            order,
            order.payment,
            arrivals,
            valuation=self._valuation,
            now=now,
        )

    async def fail_refused(self, job: CreationTask, now: datetime) -> ApplyResult:
        order = self._under_lease(job)
        if order is None:
            return ApplyResult(lease_lost=True)
        if order.status is OrderStatus.CANCELLED:
            self._keeping.reschedule(order, None)
            return ApplyResult()
        return self._keeping.fail(order, OrderFailureReason.REFUSED, now)

    async def postpone(
        self,
        job: CreationTask | PollTask,
        pause: timedelta,
        alarm: str | None,
        now: datetime,
        why: str | None = None,
    ) -> ApplyResult:
        order = self._under_lease(job)
        if order is None:
            return ApplyResult(lease_lost=True)
        look = look_after_failure(
            order.status,
            rail=order.rail,
            since=order.status_since,
            pause=pause,
            creating=isinstance(job, CreationTask),
            now=now,
        )
        self._keeping.reschedule(order, look)
        order.failures, alarm = after_failure(order.failures, alarm, now)
        if alarm is not None:
            rings = self._keeping.journal.noted(
                order.id,
                OrderEventKind.ALARM,
                alarm,
                status=order.status,
                reported=order.status,
                now=now,
                evidence={"failure": why} if why is not None else None,
            )
            alarm = alarm if rings else None
        return ApplyResult(alarm=alarm)

    async def parameters_seen_at(self, now: datetime) -> datetime | None:
        seen_at = self._parameters_seen_at
        return seen_at if seen_at is not None and seen_at >= now - TRUSTED_FOR else None

    async def save_parameters(self, _parameters: OrderParameters, now: datetime) -> None:
        self._parameters_seen_at = now

    # How it is kept

    def _await_bitcoin(self, order: KeptOrder, terms: BitcoinTerms | None, now: datetime) -> None:
        if terms is None:
            raise ValueError("bitcoin is not offered")
        give_address(order, terms, next(self._addresses), now)
        self._keeping.move(
            order, OrderStatus.UNPAID, now, reason="address_given", evidence=None, grant=None
        )
        self._keeping.looks[Rail.BITCOIN].wait(order)

    def _waits_for_creation(self, order_id: str) -> bool:
        order = self._orders[order_id]
        return order.status is OrderStatus.TO_BE_CREATED and order.payment is None

    def _is_overdue(self, order: KeptOrder, now: datetime) -> bool:
        return (
            self._waits_for_creation(order.id)
            and order.create_by <= now
            and order.next_look_at is not None
            and order.next_look_at <= now
            and not self._keeping.creations.is_held(order, self._clock.now())
        )

    def _claim(self, due: DueOrders, now: datetime, aside: Collection[str]) -> KeptOrder | None:
        true_now = self._clock.now()
        order = due.weightiest(now, true_now, aside)
        if order is None:
            return None
        order.lease_token = f"lease_{next(self._numbers)}"
        order.lease_until = true_now + LEASE
        due.hold(order, order.lease_until)
        return order

    def _is_held(self, order: KeptOrder) -> bool:
        keeping = self._keeping
        due = keeping.creations if order.payment is None else keeping.looks[order.rail]
        return due.is_held(order, self._clock.now())

    def _under_lease(self, job: CreationTask | PollTask) -> KeptOrder | None:
        order = self._orders[job.order_id]
        return order if order.lease_token == job.lease_token else None

    def _apply(
        self,
        order: KeptOrder,
        uuid: str | None,
        report: Report,
        settlement: Settlement | None,
        now: datetime,
    ) -> ApplyResult:
        decision, settlement = self._decide(order, uuid, report, settlement, now)
        payment = order.payment
        unseen_for = None
        if payment and payment.seen_at != now:
            unseen_for = now - payment.seen_at
        if decision.believed and payment is not None:
            payment.said.update(payment_details(report))
            payment.seen_at = now
            if decision.unsettled:
                payment.said.setdefault("settlement_claimed_at", now)
        return self._keeping.carry_out(
            order,
            decision,
            Observation(
                reported=report.state,
                evidence=evidence_of(report, settlement),
                expires_at=report.expires_at if decision.believed else None,
                cause=order.lease_token or "",
            ),
            grant=Grant(order.number_of_credits),
            unseen_for=unseen_for,
            now=now,
        )

    def _decide(
        self,
        order: KeptOrder,
        uuid: str | None,
        report: Report,
        settlement: Settlement | None,
        now: datetime,
    ) -> tuple[Decision, Settlement | None]:
        facts = facts_of(order, uuid)
        decision = evaluate_report(facts, report, now, settlement)
        if decision.move_to is not OrderStatus.BTC_SENT or not isinstance(settlement, Verified):
            return decision, settlement
        outputs = [(settlement.txid, index) for index in settlement.outputs]
        free = next((output for output in outputs if output not in self._settled), None)
        if free is not None:
            self._settled.add(free)
            order.settled_by = free
            return decision, settlement
        return evaluate_report(facts, report, now, ALL_TAKEN), ALL_TAKEN


_: Callable[..., OrderStore] = MemoryStore
