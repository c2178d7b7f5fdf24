"""The shared pace: one row per bucket in PostgreSQL, on the database's own clock."""

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.runtime.clock import Clock
from app.runtime.db.engine import Database
from app.runtime.rate_limit.models import UpstreamLimit
from app.runtime.rate_limit.rules import (
    LEAVE_WITHIN_SECONDS,
    LIMITS,
    Bucket,
    PaceState,
    Slot,
    SlotRecord,
    scaled,
    wait_seconds,
    with_answer,
    with_end,
    with_slot,
    with_throttle,
    without_slot,
)
from app.runtime.security import new_id


class PostgresRateLimiter:
    """A `Pace` for every process that shares the database.

    A slot is handed out only when its request may leave at once, never for a future moment: a
    process that sleeps or dies holds nothing but the slot it has, and that one runs out.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        rate_scale: Decimal,
        observe_wait: Callable[[str, float], None] | None = None,
    ) -> None:
        """Pace the requests; `observe_wait` is told the bucket and the seconds of each wait."""
        self._observe_wait = observe_wait
        self._database = database
        self._clock = clock
        self._limits = {
            bucket: scaled(limit, float(rate_scale)) for bucket, limit in LIMITS.items()
        }

    async def reserve(self, bucket: Bucket, *, within_seconds: float) -> Slot | None:
        started = self._clock.monotonic()
        give_up_at = started + within_seconds
        while True:
            asked_at = self._clock.monotonic()
            outcome = await self._try_reserve(bucket)
            if isinstance(outcome, str):
                if self._observe_wait:
                    self._observe_wait(bucket, self._clock.monotonic() - started)
                return Slot(bucket, outcome, leave_by=asked_at + LEAVE_WITHIN_SECONDS)
            if self._clock.monotonic() + outcome > give_up_at:
                return None
            await self._clock.sleep(outcome)

    async def answered(self, slot: Slot) -> None:
        async with self._database.sessions() as session, session.begin():
            state, now = await _locked(session, slot.bucket)
            await _save(session, slot.bucket, with_answer(state, slot.id, now))

    async def unreachable(self, slot: Slot) -> None:
        async with self._database.sessions() as session, session.begin():
            state, now = await _locked(session, slot.bucket)
            await _save(session, slot.bucket, with_end(state, slot.id, now))

    async def throttled(self, slot: Slot) -> None:
        limit = self._limits[slot.bucket]
        async with self._database.sessions() as session, session.begin():
            state, now = await _locked(session, slot.bucket)
            await _save(session, slot.bucket, with_throttle(state, limit, slot.id, now))

    async def release(self, slot: Slot) -> None:
        async with self._database.sessions() as session, session.begin():
            state, _ = await _locked(session, slot.bucket)
            await _save(session, slot.bucket, without_slot(state, slot.id))

    async def _try_reserve(self, bucket: Bucket) -> str | float:
        """Return the id of a slot, or the seconds after which to ask again."""
        limit = self._limits[bucket]
        async with self._database.sessions() as session, session.begin():
            state, now = await _locked(session, bucket)
            wait = wait_seconds(state, limit, now)
            if wait > 0:
                return wait
            slot_id = new_id("slot")
            await _save(session, bucket, with_slot(state, limit, slot_id, now))
            return slot_id


async def _locked(session: AsyncSession, bucket: Bucket) -> tuple[PaceState, float]:
    """Lock the row of a bucket; return its state and the database's time in seconds."""
    now = func.extract("epoch", func.clock_timestamp())
    query = (
        select(UpstreamLimit.slots, UpstreamLimit.paused_until, UpstreamLimit.probing, now)
        .where(UpstreamLimit.bucket == bucket)
        .with_for_update()
    )
    row = (await session.execute(query)).one_or_none()
    if row is None:
        first = insert(UpstreamLimit).values(bucket=bucket, slots=[], probing=False)
        await session.execute(first.on_conflict_do_nothing())
        row = (await session.execute(query)).one()
    slots, paused_until, probing, seconds = row
    state = PaceState(
        slots=tuple(SlotRecord(**slot) for slot in slots),
        paused_until=paused_until.timestamp() if paused_until else 0.0,
        probing=probing,
    )
    return state, float(seconds)


async def _save(session: AsyncSession, bucket: Bucket, state: PaceState) -> None:
    slots: list[dict[str, Any]] = [
        {"id": slot.id, "granted_at": slot.granted_at, "answered_at": slot.answered_at}
        for slot in state.slots
    ]
    paused_until = datetime.fromtimestamp(state.paused_until, UTC) if state.paused_until else None
    await session.execute(
        update(UpstreamLimit)
        .where(UpstreamLimit.bucket == bucket)
        .values(slots=slots, paused_until=paused_until, probing=state.probing)
    )
