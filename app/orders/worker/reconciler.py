"""The reconciler: carries orders from their placing to a final state, on every rail.

Always in this order: *slot* (is anything due? wait for a permit, holding nothing), *claim* (a short
transaction, a lease), *call* (nothing is open), *apply* (a short transaction, the lease checked).
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from functools import partial
from typing import Any, Final, TypeVar

from app.orders.due import CREATIONS, LOOKS, waking
from app.orders.leases import CreationTask, OrderPoisoned, PollTask
from app.orders.rules.facts import Observation, RequestFailed
from app.orders.rules.failures import ORDER_SET_ASIDE
from app.orders.rules.rails import Rail
from app.orders.store import OrderStore
from app.orders.transitions import ApplyResult
from app.orders.worker.aeonto_rail import AeontoPermit, AeontoRail
from app.orders.worker.quarantine import Quarantine
from app.orders.worker.rails import Failed, PaymentRail, PermitT, RailPermit
from app.runtime.clock import Clock
from app.runtime.db.failures import is_unavailable, reason_of
from app.runtime.db.notifications import Notifications
from app.runtime.loops.loops import Loop
from app.runtime.observability.logging import get_logger
from app.runtime.observability.metrics import Metrics

log = get_logger(__name__)

# What is still in flight then is cut off: its lease runs out and another process takes over.
_DRAIN_SECONDS: Final = 3.0
# How long a loop rests at most. It learns sooner of what is due by its time or by a notification,
# but not of a lease that ran out, a change by hand, a clock that was put back.
_IDLE_SECONDS: Final = 5.0
_PARAMETERS_REST_SECONDS: Final = 5.0

Job = TypeVar("Job", CreationTask, PollTask)


class Reconciler:
    """A loop of looks for each rail; creations and parameters for the one that goes over AEON.to."""

    def __init__(
        self,
        store: OrderStore,
        aeonto: AeontoRail,
        clock: Clock,
        metrics: Metrics,
        *,
        others: Sequence[PaymentRail[Any]] = (),
        notifications: Notifications,
    ) -> None:
        """Carry the orders of a store over AEON.to, and over the `others`."""
        self._store = store
        self._aeonto = aeonto
        self._rails: dict[Rail, PaymentRail[Any]] = {rail.rail: rail for rail in (aeonto, *others)}
        self._clock = clock
        self._metrics = metrics
        self._quarantined = Quarantine()
        self._in_flight: set[asyncio.Task[None]] = set()
        self._creations = waking(CREATIONS, notifications, clock)
        self._looks = {rail: waking(LOOKS[rail], notifications, clock) for rail in Rail}

    def loops(self) -> list[Loop]:
        """Return the loops to run."""
        return [
            Loop(CREATIONS, self.create_next, _IDLE_SECONDS, self._creations),
            Loop("order_parameters", self.refresh_parameters, _PARAMETERS_REST_SECONDS),
            *(
                Loop(LOOKS[rail], partial(self.poll_next, rail), _IDLE_SECONDS, self._looks[rail])
                for rail in self._rails
            ),
        ]

    async def create_next(self) -> bool:
        """Send one order to AEON.to, or end those that are too late; say whether one was due."""
        quarantined = self._quarantined.ids(self._clock.now())
        self._creations.expect(await self._store.next_creation_at(quarantined))
        if not self._creations.is_due():
            return False
        if await self._fail_overdue():
            return True
        if not self._aeonto.may_open():
            return False
        permit = await self._aeonto.creation_permit()
        return await self._dispatch(permit, self._claim_creation, self._create)

    async def poll_next(self, rail: Rail) -> bool:
        """Look at one order of a rail, if one is due; say whether one was."""
        looks, quarantined = self._looks[rail], self._quarantined.ids(self._clock.now())
        looks.expect(await self._store.next_poll_at(rail, quarantined))
        if not looks.is_due():
            return False
        permit = await self._rails[rail].poll_permit()
        return await self._dispatch(
            permit, partial(self._claim_poll, rail), partial(self._poll, self._rails[rail])
        )

    async def refresh_parameters(self) -> bool:
        """Learn AEON.to's limits and price; the loop rests afterwards."""
        await self._aeonto.refresh_parameters(self._store)
        return False

    async def drain(self) -> None:
        """Wait for the requests that are in flight, for a while."""
        if not self._in_flight:
            return
        _, unfinished = await asyncio.wait(self._in_flight, timeout=_DRAIN_SECONDS)
        for task in unfinished:
            task.cancel()
        await asyncio.gather(*unfinished, return_exceptions=True)

    async def _fail_overdue(self) -> bool:
        """End the orders that AEON.to did not accept in time; say whether there were any."""
        now = self._clock.now()
        resting = self._quarantined.ids(now)
        late = [one for one in await self._store.overdue(now) if one not in resting]
        for order_id in late:
            try:
                self._count(order_id, await self._store.fail_overdue(order_id, now))
            except Exception as fault:
                if is_unavailable(fault):
                    raise
                log.exception("order_not_failed", order_id=order_id)
                self._put_in_quarantine(order_id)
        return bool(late)

    async def _claim_creation(self) -> CreationTask | None:
        now = self._clock.now()
        return await self._store.claim_creation(now, self._quarantined.ids(now))

    async def _claim_poll(self, rail: Rail) -> PollTask | None:
        now = self._clock.now()
        return await self._store.claim_poll(rail, now, self._quarantined.ids(now))

    async def _dispatch(
        self,
        permit: PermitT | None,
        claim: Callable[[], Awaitable[Job | None]],
        work: Callable[[Job, PermitT], Awaitable[ApplyResult]],
    ) -> bool:
        """Claim a job for a permit, and let the job run beside the loop."""
        if permit is None:
            return False
        try:
            job = await claim()
        except OrderPoisoned as fault:
            log.exception("order_not_leased", order_id=fault.order_id)
            self._put_in_quarantine(fault.order_id)
            job = None
        if job is None:
            await permit.give_back()
            return False
        task = asyncio.create_task(self._guarded(job, work(job, permit)))
        self._in_flight.add(task)
        task.add_done_callback(self._in_flight.discard)
        return True

    async def _guarded(self, job: CreationTask | PollTask, working: Awaitable[ApplyResult]) -> None:
        """Finish a job; what goes wrong with one order must not stop the others."""
        try:
            applied = await working
        except Exception as fault:
            if is_unavailable(fault):
                log.warning("job_lost_its_database", order_id=job.order_id, reason=reason_of(fault))
                return
            log.exception("job_failed", order_id=job.order_id)
            await self._rest(job, type(fault).__name__)
        else:
            self._quarantined.take_back(job.order_id)
            self._count(job.order_id, applied)
        self._wake_for(job)

    def _wake_for(self, job: CreationTask | PollTask) -> None:
        """Let the loops learn when the order of a job is due again."""
        if isinstance(job, CreationTask):
            self._creations.wake()
            self._looks[Rail.AEONTO].wake()
        else:
            self._looks[job.rail].wake()

    async def _rest(self, job: CreationTask | PollTask, why: str) -> None:
        """Put an order in quarantine here, and if its row can be written, for every replica."""
        pause = self._put_in_quarantine(job.order_id)
        try:
            failed = _failed(job, pause, ORDER_SET_ASIDE, why)
            applied = await self._store.apply(job, failed, self._clock.now())
        except Exception:
            log.exception("order_not_postponed", order_id=job.order_id)
        else:
            self._count(job.order_id, applied)

    def _put_in_quarantine(self, order_id: str) -> timedelta:
        pause = self._quarantined.put(order_id, self._clock.now())
        self._metrics.orders_set_aside.set(len(self._quarantined))
        return pause

    async def _create(self, job: CreationTask, permit: AeontoPermit) -> ApplyResult:
        return await self._apply(job, await self._aeonto.open(job, permit))

    async def _poll(self, rail: PaymentRail[Any], job: PollTask, permit: RailPermit) -> ApplyResult:
        return await self._apply(job, await rail.poll(job, permit))

    async def _apply(
        self, job: CreationTask | PollTask, observed: Observation | Failed
    ) -> ApplyResult:
        if isinstance(observed, Failed):
            log.warning("rail_request_failed", order_id=job.order_id, failure=observed.why)
            pause = timedelta(seconds=self._clock.random.uniform(*observed.pause_seconds))
            observed = _failed(job, pause, observed.alarm, observed.why)
        return await self._store.apply(job, observed, self._clock.now())

    def _count(self, order_id: str, applied: ApplyResult) -> None:
        metrics = self._metrics
        metrics.orders_set_aside.set(len(self._quarantined))
        if applied.lease_lost:
            log.warning("lease_lost", order_id=order_id)
        if applied.refused is not None:
            metrics.reports_refused.labels(applied.refused).inc()
            log.warning("report_refused", order_id=order_id, reason=applied.refused)
        if applied.alarm is not None:
            metrics.alarms.labels(applied.alarm).inc()
            log.error("alarm", order_id=order_id, alarm=applied.alarm)
        if applied.moved_to is not None:
            metrics.orders_moved.labels(applied.moved_to).inc()
            log.info("order_moved", order_id=order_id, status=applied.moved_to)
        if applied.unseen_for is not None:
            metrics.order_change_seconds.observe(applied.unseen_for.total_seconds())
        if applied.granted:
            metrics.grants.inc()
            metrics.credits_granted.inc(applied.granted)
            log.info("credits_granted", order_id=order_id, credits=applied.granted)


def _failed(
    job: CreationTask | PollTask, pause: timedelta, alarm: str | None, why: str
) -> RequestFailed:
    return RequestFailed(pause, alarm, why, creating=isinstance(job, CreationTask))
