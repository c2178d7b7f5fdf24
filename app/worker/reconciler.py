"""The reconciler: carries orders from their creation at AEON.to to a final state.

Always in this order: *slot* (is anything due? reserve, wait, holding nothing), *claim* (a short
transaction, a lease), *call* (nothing is open), *apply* (a short transaction, the lease checked).
Where servers of the chain are named, they are asked between call and apply, in what is left of the
time of the call.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection
from datetime import datetime, timedelta
from typing import Final, TypeVar

from app.aeonto.client import AeontoClient
from app.aeonto.failures import (
    AeontoFailure,
    BitcoinAmountOutOfBounds,
    InsufficientFunds,
    InvalidBitcoinAmount,
    OperatorNeeded,
    Refused,
    ServiceUnavailable,
    ThirdPartyUnavailable,
)
from app.db.failures import is_database_away
from app.domain.clock import Clock
from app.domain.pace import CALL_DEADLINE_SECONDS, Bucket, Pace, Slot
from app.domain.reports import Report
from app.domain.settlement import Settlement
from app.esplora.chain import Chain
from app.observability.logging import get_logger
from app.observability.metrics import Metrics
from app.services.order_leases import CreationJob, LookJob, OrderPoisoned
from app.services.order_store import OrderStore
from app.services.reconcile import Applied
from app.worker.aside import Aside
from app.worker.loops import Loop
from app.worker.settling import settlement_of

log = get_logger(__name__)

_SLOT_WAIT_SECONDS: Final = 1.0
# What is still in flight then is cut off: its lease runs out and another process takes over.
_DRAIN_SECONDS: Final = 3.0
_IDLE_SECONDS: Final = 0.25
_PARAMETERS_EVERY: Final = timedelta(seconds=30)
_PARAMETERS_REST_SECONDS: Final = 5.0
_AFTER_FAILED_CREATION_SECONDS: Final = (5.0, 15.0)
_AFTER_FAILED_LOOK_SECONDS: Final = (2.0, 5.0)
# What holds creations back, and never looks (notes.md, AEON.to).
_NO_NEW_ORDERS: Final = (ServiceUnavailable, ThirdPartyUnavailable, InsufficientFunds)

Job = TypeVar("Job", CreationJob, LookJob)


class Reconciler:
    """Three loops: creations, looks, and what AEON.to offers."""

    def __init__(
        self,
        store: OrderStore,
        pace: Pace,
        aeonto: AeontoClient,
        clock: Clock,
        metrics: Metrics,
        *,
        chain: Chain | None = None,
    ) -> None:
        """Carry the orders of a store; without a `chain`, AEON.to is believed that it paid."""
        self._store = store
        self._pace = pace
        self._aeonto = aeonto
        self._clock = clock
        self._metrics = metrics
        self._chain = chain
        self._aside = Aside()
        self._in_flight: set[asyncio.Task[None]] = set()
        self._creations_held = False

    def loops(self) -> list[Loop]:
        """Return the loops to run."""
        return [
            Loop("order_creations", self.create_next, _IDLE_SECONDS),
            Loop("order_looks", self.look_next, _IDLE_SECONDS),
            Loop("order_parameters", self.refresh_parameters, _PARAMETERS_REST_SECONDS),
        ]

    async def create_next(self) -> bool:
        """Send one order to AEON.to, if one is due; say whether one was."""
        await self._fail_overdue()
        now = self._clock.now()
        if self._creations_held or not await self._store.creation_is_due(now, self._aside.ids(now)):
            return False
        return await self._dispatch(Bucket.ORDER_CREATE, self._store.claim_creation, self._create)

    async def look_next(self) -> bool:
        """Look at one order at AEON.to, if one is due; say whether one was."""
        now = self._clock.now()
        if not await self._store.look_is_due(now, self._aside.ids(now)):
            return False
        return await self._dispatch(Bucket.ORDER_STATUS, self._store.claim_look, self._look)

    async def refresh_parameters(self) -> bool:
        """Learn AEON.to's limits and price, unless a replica just did."""
        now = self._clock.now()
        seen_at = await self._store.parameters_seen_at(now)
        if seen_at is not None and now - seen_at < _PARAMETERS_EVERY:
            self._creations_held = False
            return False
        slot = await self._pace.reserve(Bucket.ORDER_PARAMETERS, within_seconds=_SLOT_WAIT_SECONDS)
        if slot is None:
            return False
        try:
            parameters = await self._aeonto.order_parameter_query(slot=slot)
        except AeontoFailure as failure:
            self._creations_held = isinstance(failure, _NO_NEW_ORDERS)
            log.warning("order_parameters_unknown", failure=str(failure))
            return False
        self._creations_held = False
        await self._store.save_parameters(parameters, self._clock.now())
        return False

    async def drain(self) -> None:
        """Wait for the requests that are in flight, for a while."""
        if not self._in_flight:
            return
        _, unfinished = await asyncio.wait(self._in_flight, timeout=_DRAIN_SECONDS)
        for task in unfinished:
            task.cancel()
        await asyncio.gather(*unfinished, return_exceptions=True)

    async def _fail_overdue(self) -> None:
        now = self._clock.now()
        resting = self._aside.ids(now)
        for order_id in await self._store.overdue(now):
            if order_id in resting:
                continue
            try:
                self._count(order_id, await self._store.fail_overdue(order_id, now))
            except Exception as fault:
                if is_database_away(fault):
                    raise
                log.exception("order_not_failed", order_id=order_id)
                self._set_aside(order_id)

    async def _dispatch(
        self,
        bucket: Bucket,
        claim: Callable[[datetime, Collection[str]], Awaitable[Job | None]],
        work: Callable[[Job, Slot], Awaitable[Applied]],
    ) -> bool:
        """Take a slot, claim a job for it, and let the job run beside the loop."""
        slot = await self._pace.reserve(bucket, within_seconds=_SLOT_WAIT_SECONDS)
        if slot is None:
            return False
        now = self._clock.now()
        try:
            job = await claim(now, self._aside.ids(now))
        except OrderPoisoned as fault:
            log.exception("order_not_leased", order_id=fault.order_id)
            self._set_aside(fault.order_id)
            job = None
        if job is None:
            await self._pace.release(slot)
            return False
        task = asyncio.create_task(self._guarded(job, work(job, slot)))
        self._in_flight.add(task)
        task.add_done_callback(self._in_flight.discard)
        return True

    async def _guarded(self, job: CreationJob | LookJob, working: Awaitable[Applied]) -> None:
        """Finish a job; what goes wrong with one order must not stop the others."""
        try:
            applied = await working
        except Exception as fault:
            if is_database_away(fault):
                log.warning("job_lost_its_database", order_id=job.order_id)
                return
            log.exception("job_failed", order_id=job.order_id)
            await self._rest(job)
        else:
            self._aside.take_back(job.order_id)
            self._count(job.order_id, applied)

    async def _rest(self, job: CreationJob | LookJob) -> None:
        """Set an order aside here, and if its row can be written, for every replica."""
        pause = self._set_aside(job.order_id)
        try:
            applied = await self._store.postpone(job, pause, "order_set_aside", self._clock.now())
        except Exception:
            log.exception("order_not_postponed", order_id=job.order_id)
        else:
            self._count(job.order_id, applied)

    def _set_aside(self, order_id: str) -> timedelta:
        pause = self._aside.put(order_id, self._clock.now())
        self._metrics.orders_set_aside.set(len(self._aside))
        return pause

    async def _create(self, job: CreationJob, slot: Slot) -> Applied:
        try:
            report = await self._aeonto.order_create(
                job.btc_amount, job.btc_dest_address, slot=slot
            )
        except (InvalidBitcoinAmount, BitcoinAmountOutOfBounds):
            return await self._store.fail_refused(job, self._clock.now())
        except AeontoFailure as failure:
            return await self._postpone(job, failure, _AFTER_FAILED_CREATION_SECONDS)
        return await self._store.apply_created(job, report, self._clock.now())

    async def _look(self, job: LookJob, slot: Slot) -> Applied:
        over_at = self._clock.monotonic() + CALL_DEADLINE_SECONDS
        try:
            report = await self._aeonto.order_status_query(job.uuid, slot=slot)
        except AeontoFailure as failure:
            return await self._postpone(job, failure, _AFTER_FAILED_LOOK_SECONDS)
        settlement = await self._settlement(job, report, over_at)
        return await self._store.apply_report(job, report, self._clock.now(), settlement)

    async def _settlement(self, job: LookJob, report: Report, over_at: float) -> Settlement | None:
        return await settlement_of(
            self._chain,
            report,
            btc_amount=job.btc_amount,
            btc_dest_address=job.btc_dest_address,
            within_seconds=over_at - self._clock.monotonic(),
        )

    async def _postpone(
        self,
        job: CreationJob | LookJob,
        failure: AeontoFailure,
        pause_seconds: tuple[float, float],
    ) -> Applied:
        log.warning("aeonto_request_failed", order_id=job.order_id, failure=str(failure))
        needs_operator = isinstance(failure, (OperatorNeeded, Refused))
        return await self._store.postpone(
            job,
            timedelta(seconds=self._clock.random.uniform(*pause_seconds)),
            f"aeonto_{type(failure).__name__}" if needs_operator else None,
            self._clock.now(),
        )

    def _count(self, order_id: str, applied: Applied) -> None:
        metrics = self._metrics
        metrics.orders_set_aside.set(len(self._aside))
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
