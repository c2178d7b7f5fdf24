"""The reconciler: carries orders from their creation at AEON.to to a final state.

Always in this order: *slot* (is anything due? reserve, wait, holding nothing), *claim* (a short
transaction, a lease), *call* (nothing is open), *apply* (a short transaction, the lease checked).
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Final

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
from app.domain.pace import Bucket, Slot
from app.domain.states import OrderStatus
from app.observability.logging import get_logger
from app.resources import Resources
from app.services import aeonto_parameters, order_leases, reconcile
from app.services.order_leases import CreationJob, LookJob
from app.services.reconcile import Applied
from app.worker.loops import Loop

log = get_logger(__name__)

_SLOT_WAIT_SECONDS: Final = 1.0
# What is still in flight then is cut off: its lease runs out and another process takes over.
_DRAIN_SECONDS: Final = 3.0
_IDLE_SECONDS: Final = 0.25
_PARAMETERS_EVERY: Final = timedelta(seconds=30)
_PARAMETERS_REST_SECONDS: Final = 5.0
# What holds creations back, and never looks (notes.md, AEON.to).
_NO_NEW_ORDERS: Final = (ServiceUnavailable, ThirdPartyUnavailable, InsufficientFunds)


class Reconciler:
    """Three loops: creations, looks, and what AEON.to offers."""

    def __init__(self, resources: Resources) -> None:
        self._resources = resources
        self._clock = resources.clock
        self._database = resources.database
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
        now = self._clock.now()
        async with self._database.sessions() as session:
            overdue = await reconcile.fail_overdue(session, now)
        for order_id in overdue:
            self._count(order_id, Applied(moved_to=OrderStatus.FAILED))
        if self._creations_held:
            return False
        async with self._database.reading() as connection:
            if not await order_leases.creation_is_due(connection, now):
                return False
        return await self._dispatch(Bucket.ORDER_CREATE, self._claim_creation)

    async def look_next(self) -> bool:
        """Look at one order at AEON.to, if one is due; say whether one was."""
        async with self._database.reading() as connection:
            if not await order_leases.look_is_due(connection, self._clock.now()):
                return False
        return await self._dispatch(Bucket.ORDER_STATUS, self._claim_look)

    async def refresh_parameters(self) -> bool:
        """Learn AEON.to's limits and price, unless a replica just did."""
        now = self._clock.now()
        async with self._database.reading() as connection:
            known = await aeonto_parameters.known(connection, now)
        if known is not None and now - known.seen_at < _PARAMETERS_EVERY:
            self._creations_held = False
            return False
        slot = await self._resources.pace.reserve(
            Bucket.ORDER_PARAMETERS, within_seconds=_SLOT_WAIT_SECONDS
        )
        if slot is None:
            return False
        try:
            parameters = await self._resources.aeonto.order_parameter_query(slot=slot)
        except AeontoFailure as failure:
            self._creations_held = isinstance(failure, _NO_NEW_ORDERS)
            log.warning("order_parameters_unknown", failure=str(failure))
            return False
        self._creations_held = False
        async with self._database.sessions() as session:
            await aeonto_parameters.save(session, parameters, self._clock.now())
        return False

    async def drain(self) -> None:
        """Wait for the requests that are in flight, for a while."""
        if not self._in_flight:
            return
        _, unfinished = await asyncio.wait(self._in_flight, timeout=_DRAIN_SECONDS)
        for task in unfinished:
            task.cancel()
        await asyncio.gather(*unfinished, return_exceptions=True)

    async def _dispatch(
        self,
        bucket: Bucket,
        claim: Callable[[Slot], Awaitable[Callable[[], Awaitable[None]] | None]],
    ) -> bool:
        """Take a slot, claim a job for it, and let the job run beside the loop."""
        slot = await self._resources.pace.reserve(bucket, within_seconds=_SLOT_WAIT_SECONDS)
        if slot is None:
            return False
        job = await claim(slot)
        if job is None:
            await self._resources.pace.release(slot)
            return False
        task = asyncio.create_task(_guarded(bucket, job))
        self._in_flight.add(task)
        task.add_done_callback(self._in_flight.discard)
        return True

    async def _claim_creation(self, slot: Slot) -> Callable[[], Awaitable[None]] | None:
        async with self._database.sessions() as session:
            job = await order_leases.claim_creation(session, self._clock.now())
        return (lambda: self._create(job, slot)) if job else None

    async def _claim_look(self, slot: Slot) -> Callable[[], Awaitable[None]] | None:
        async with self._database.sessions() as session:
            job = await order_leases.claim_look(session, self._clock.now())
        return (lambda: self._look(job, slot)) if job else None

    async def _create(self, job: CreationJob, slot: Slot) -> None:
        try:
            report = await self._resources.aeonto.order_create(
                job.btc_amount, job.btc_dest_address, slot=slot
            )
        except (InvalidBitcoinAmount, BitcoinAmountOutOfBounds):
            async with self._database.sessions() as session:
                applied = await reconcile.fail_refused(session, job, self._clock.now())
        except AeontoFailure as failure:
            applied = await self._postpone(job, failure, pause_seconds=(5, 15))
        else:
            async with self._database.sessions() as session:
                applied = await reconcile.apply_created(session, job, report, self._clock.now())
        self._count(job.order_id, applied)

    async def _look(self, job: LookJob, slot: Slot) -> None:
        try:
            report = await self._resources.aeonto.order_status_query(job.uuid, slot=slot)
        except AeontoFailure as failure:
            applied = await self._postpone(job, failure, pause_seconds=(2, 5))
        else:
            async with self._database.sessions() as session:
                applied = await reconcile.apply_report(session, job, report, self._clock.now())
        self._count(job.order_id, applied)

    async def _postpone(
        self,
        job: CreationJob | LookJob,
        failure: AeontoFailure,
        *,
        pause_seconds: tuple[float, float],
    ) -> Applied:
        now = self._clock.now()
        alarm = (
            f"aeonto_{type(failure).__name__}"
            if isinstance(failure, (OperatorNeeded, Refused))
            else None
        )
        log.warning("aeonto_request_failed", order_id=job.order_id, failure=str(failure))
        async with self._database.sessions() as session:
            return await reconcile.postpone(
                session, job, until=self._jittered(now, pause_seconds), alarm=alarm, now=now
            )

    def _jittered(self, now: datetime, pause_seconds: tuple[float, float]) -> datetime:
        return now + timedelta(seconds=self._clock.random.uniform(*pause_seconds))

    def _count(self, order_id: str, applied: Applied) -> None:
        metrics = self._resources.metrics
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
        if applied.granted:
            metrics.grants.inc()
            metrics.credits_granted.inc(applied.granted)
            log.info("credits_granted", order_id=order_id, credits=applied.granted)


async def _guarded(bucket: Bucket, job: Callable[[], Awaitable[None]]) -> None:
    """Run a job; what goes wrong with one order must not stop the others."""
    try:
        await job()
    except Exception:
        log.exception("job_failed", bucket=bucket)
