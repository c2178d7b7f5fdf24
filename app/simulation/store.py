"""Orders in memory, behind the protocol of the real store, for simulated days.

What a report means, when to look next and what an answer to a creation must say are the same pure
functions that the real store executes. Here stands only how what follows is kept. A test gives
this store and PostgreSQL the same operations and compares what they answer and keep.
"""

import heapq
from collections.abc import Callable, Collection, Sequence
from datetime import datetime, timedelta
from functools import partial
from itertools import count
from typing import Any, Final

from app.aeonto.wire import OrderParameters
from app.domain.accounts import EntryKind
from app.domain.clock import Clock
from app.domain.reports import (
    Decision,
    Report,
    creation_fault,
    decide,
    payment_details,
)
from app.domain.schedule import (
    NextLook,
    Urgency,
    creation_again,
    look_after_failure,
    look_when_asked,
    next_look,
)
from app.domain.settlement import ALL_TAKEN, Settlement, Verified
from app.domain.states import MOVES, Move, OrderStatus
from app.models.order_events import OrderEventKind
from app.services.aeonto_parameters import TRUSTED_FOR
from app.services.order_decisions import Applied
from app.services.order_events import evidence_of
from app.services.order_leases import LEASE, CreationJob, LookJob
from app.services.order_store import OrderStore
from app.services.reconcile import FailureReason
from app.services.terms import Terms
from app.simulation.books import Books, KeptEntry, KeptOrder, KeptPayment, facts_of
from app.simulation.calendar import Work
from app.simulation.due import DueOrders
from app.simulation.journal import Journal

Notice = Callable[[str], None]

_OVERDUE_AT_ONCE: Final = 100


class MemoryStore:
    """Orders, payments, events, credits and leases. `clock` is the one that leases run on."""

    def __init__(self, clock: Clock, notice: Notice, changed: Callable[[Work], None]) -> None:
        """Begin empty.

        `notice` is told of every event and every entry; `changed`, when an order waits anew.
        """
        self._clock = clock
        self._notice = notice
        self._orders: dict[str, KeptOrder] = {}
        self._by_uuid: dict[str, KeptOrder] = {}
        self._deadlines: list[tuple[datetime, str]] = []
        self._journal = Journal(notice)
        self._entries: list[KeptEntry] = []
        self._balances: dict[str, int] = {}
        self._parameters_seen_at: datetime | None = None
        self._settled: set[tuple[str, int]] = set()
        self._numbers = count(1)
        self._creations = DueOrders(partial(changed, Work.CREATIONS))
        self._looks = DueOrders(partial(changed, Work.LOOKS))

    # What a buyer does

    def place(self, account_id: str, number_of_credits: int, terms: Terms, now: datetime) -> str:
        """Place an order; return its id."""
        order = KeptOrder(
            id=f"ord_{next(self._numbers):06}",
            account_id=account_id,
            number_of_credits=number_of_credits,
            btc_amount=number_of_credits * terms.credit_price_btc,
            btc_dest_address=terms.btc_dest_address,
            granting_status=terms.granting_status,
            create_by=now + terms.create_deadline,
            created_at=now,
            status=OrderStatus.TO_BE_CREATED,
            status_since=now,
            next_look_at=now,
            look_urgency=Urgency.ADDRESS,
        )
        self._orders[order.id] = order
        self._balances.setdefault(account_id, 0)
        heapq.heappush(self._deadlines, (order.create_by, order.id))
        self._creations.wait(order)
        self._journal.moved(
            order, None, OrderStatus.TO_BE_CREATED, now, reason="ordered", evidence=None
        )
        return order.id

    def read(self, order_id: str) -> KeptOrder:
        """Return an order."""
        return self._orders[order_id]

    def ask(self, order_id: str, now: datetime) -> None:
        """Bring an order forward that somebody asked about."""
        order = self._orders[order_id]
        look = look_when_asked(order.status, now, unsettled=order.claimed_at is not None)
        if look is None or order.next_look_at is None or order.next_look_at <= look.at:
            return
        order.next_look_at = look.at
        order.look_urgency = max(order.look_urgency, look.urgency)
        if not self._looks.is_held(order, self._clock.now()):
            self._looks.wait(order)

    def earliest(self, work: Work) -> datetime | None:
        """Return when the next order may be due; None when none waits."""
        due = self._creations if work is Work.CREATIONS else self._looks
        return due.earliest()

    def books(self) -> Books:
        """Return all that is kept."""
        return Books(
            list(self._orders.values()), self._journal.events, self._entries, self._balances
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

    async def fail_overdue(self, order_id: str, now: datetime) -> Applied:
        order = self._orders[order_id]
        if not self._is_overdue(order, now):
            return Applied(lease_lost=True)
        return self._fail(order, FailureReason.DEADLINE, now)

    async def creation_is_due(self, now: datetime, aside: Collection[str]) -> bool:
        return self._creations.weightiest(now, self._clock.now(), aside) is not None

    async def claim_creation(self, now: datetime, aside: Collection[str]) -> CreationJob | None:
        order = self._claim(self._creations, now, aside)
        if order is None:
            return None
        return CreationJob(
            order.id, order.lease_token or "", order.btc_amount, order.btc_dest_address
        )

    async def look_is_due(self, now: datetime, aside: Collection[str]) -> bool:
        return self._looks.weightiest(now, self._clock.now(), aside) is not None

    async def claim_look(self, now: datetime, aside: Collection[str]) -> LookJob | None:
        order = self._claim(self._looks, now, aside)
        if order is None or order.payment is None:
            return None
        return LookJob(
            order.id,
            order.lease_token or "",
            order.payment.uuid,
            order.btc_amount,
            order.btc_dest_address,
        )

    async def apply_created(self, job: CreationJob, report: Report, now: datetime) -> Applied:
        order = self._under_lease(job)
        if order is None:
            return Applied(lease_lost=True)
        fault = creation_fault(
            report,
            btc_amount=order.btc_amount,
            btc_dest_address=order.btc_dest_address,
            uuid_is_taken=report.uuid in self._by_uuid,
        )
        if fault is not None:
            evidence = evidence_of(report)
            self._journal.noted(
                order.id,
                OrderEventKind.REFUSED,
                fault,
                status=order.status,
                reported=report.state,
                now=now,
                evidence=evidence,
            )
            self._reschedule(order, creation_again(now))
            return Applied(refused=fault)
        uuid = report.uuid or ""
        order.payment = KeptPayment(uuid, now, {"state": OrderStatus.TO_BE_CREATED})
        self._by_uuid[uuid] = order
        return self._apply(order, uuid, report, None, now)

    async def apply_report(
        self,
        job: LookJob,
        report: Report,
        now: datetime,
        settlement: Settlement | None = None,
    ) -> Applied:
        order = self._under_lease(job)
        if order is None:
            return Applied(lease_lost=True)
        return self._apply(order, job.uuid, report, settlement, now)

    async def fail_refused(self, job: CreationJob, now: datetime) -> Applied:
        order = self._under_lease(job)
        if order is None:
            return Applied(lease_lost=True)
        return self._fail(order, FailureReason.REFUSED, now)

    async def postpone(
        self, job: CreationJob | LookJob, pause: timedelta, alarm: str | None, now: datetime
    ) -> Applied:
        order = self._under_lease(job)
        if order is None:
            return Applied(lease_lost=True)
        look = look_after_failure(
            order.status,
            since=order.status_since,
            pause=pause,
            creating=isinstance(job, CreationJob),
            now=now,
        )
        self._reschedule(order, look)
        if alarm is not None:
            rings = self._journal.noted(
                order.id,
                OrderEventKind.ALARM,
                alarm,
                status=order.status,
                reported=order.status,
                now=now,
                evidence=None,
            )
            alarm = alarm if rings else None
        return Applied(alarm=alarm)

    async def parameters_seen_at(self, now: datetime) -> datetime | None:
        seen_at = self._parameters_seen_at
        return seen_at if seen_at is not None and seen_at >= now - TRUSTED_FOR else None

    async def save_parameters(self, _parameters: OrderParameters, now: datetime) -> None:
        self._parameters_seen_at = now

    # How it is kept

    def _waits_for_creation(self, order_id: str) -> bool:
        order = self._orders[order_id]
        return order.status is OrderStatus.TO_BE_CREATED and order.payment is None

    def _is_overdue(self, order: KeptOrder, now: datetime) -> bool:
        return (
            self._waits_for_creation(order.id)
            and order.create_by <= now
            and order.next_look_at is not None
            and order.next_look_at <= now
            and not self._creations.is_held(order, self._clock.now())
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

    def _under_lease(self, job: CreationJob | LookJob) -> KeptOrder | None:
        order = self._orders[job.order_id]
        return order if order.lease_token == job.lease_token else None

    def _apply(
        self,
        order: KeptOrder,
        uuid: str,
        report: Report,
        settlement: Settlement | None,
        now: datetime,
    ) -> Applied:
        decision, settlement = self._decide(order, uuid, report, settlement, now)
        payment = order.payment
        unseen_for = None
        if payment and decision.move_to and payment.seen_at != now:
            unseen_for = now - payment.seen_at
        order.sighting = decision.sighting
        if decision.believed and payment is not None:
            payment.said.update(payment_details(report))
            payment.seen_at = now
            if decision.unsettled:
                payment.said.setdefault("settlement_claimed_at", now)
        evidence = evidence_of(report, settlement)
        note = partial(
            self._journal.noted,
            order.id,
            status=order.status,
            reported=report.state,
            now=now,
            evidence=evidence,
        )
        granted = 0
        if decision.move_to is not None:
            granted = self._move(
                order, decision.move_to, now, "reported", evidence, grant=decision.grant
            )
        if decision.refused is not None:
            note(OrderEventKind.REFUSED, decision.refused)
        alarm = decision.alarm
        if alarm is not None and not note(OrderEventKind.ALARM, alarm):
            alarm = None
        look = next_look(
            order.status,
            since=order.status_since,
            expires_at=report.expires_at if decision.believed else None,
            unsettled=decision.unsettled,
            now=now,
        )
        self._reschedule(order, look)
        return Applied(decision.move_to, granted, decision.refused, alarm, unseen_for=unseen_for)

    def _decide(
        self,
        order: KeptOrder,
        uuid: str,
        report: Report,
        settlement: Settlement | None,
        now: datetime,
    ) -> tuple[Decision, Settlement | None]:
        facts = facts_of(order, uuid)
        decision = decide(facts, report, now, settlement)
        if decision.move_to is not OrderStatus.BTC_SENT or not isinstance(settlement, Verified):
            return decision, settlement
        outputs = [(settlement.txid, index) for index in settlement.outputs]
        free = next((output for output in outputs if output not in self._settled), None)
        if free is not None:
            self._settled.add(free)
            order.settled_by = free
            return decision, settlement
        return decide(facts, report, now, ALL_TAKEN), ALL_TAKEN

    def _move(
        self,
        order: KeptOrder,
        to_status: OrderStatus,
        now: datetime,
        reason: str,
        evidence: dict[str, Any] | None,
        *,
        grant: bool = False,
    ) -> int:
        if MOVES[order.status, to_status] in (Move.ILLEGAL, Move.STAY):
            raise ValueError(f"order {order.id} may not move from {order.status} to {to_status}")
        from_status, order.status, order.status_since = order.status, to_status, now
        if grant:
            order.credits_granted = order.number_of_credits
            order.granted_at = max(now, order.created_at)
        self._journal.moved(order, from_status, to_status, now, reason=reason, evidence=evidence)
        if not grant:
            return 0
        balance = self._balances[order.account_id] + order.number_of_credits
        self._balances[order.account_id] = balance
        self._entries.append(
            KeptEntry(
                order.account_id, order.id, EntryKind.PURCHASE, order.number_of_credits, balance
            )
        )
        self._notice(f"grant {order.id} {balance}")
        return order.number_of_credits

    def _fail(self, order: KeptOrder, why: FailureReason, now: datetime) -> Applied:
        order.failure_reason = why
        self._reschedule(order, None)
        self._move(order, OrderStatus.FAILED, now, why, None)
        return Applied(moved_to=OrderStatus.FAILED)

    def _reschedule(self, order: KeptOrder, look: NextLook | None) -> None:
        order.next_look_at = look.at if look else None
        if look:
            order.look_urgency = look.urgency
        order.lease_token = order.lease_until = None
        if order.payment is None:
            self._creations.wait(order)
        else:
            self._creations.forget(order)
            self._looks.wait(order)


_: Callable[[Clock, Notice, Callable[[Work], None]], OrderStore] = MemoryStore
