"""A pace within one process: for a command that sends a request or two, and for tests.

It knows nothing of other processes, and follows the one rule of `app.runtime.rate_limit.rules`.
"""

from copy import copy
from decimal import Decimal
from itertools import count

from app.runtime.clock import Clock
from app.runtime.rate_limit.rules import (
    LEAVE_WITHIN_SECONDS,
    LIMITS,
    Bucket,
    PaceState,
    Slot,
    scaled,
    wait_seconds,
    with_answer,
    with_end,
    with_slot,
    with_throttle,
    without_slot,
)


class LocalRateLimiter:
    """The rate limits of AEON.to, kept by one process. `rate_scale` multiplies every count."""

    def __init__(self, clock: Clock, *, rate_scale: Decimal = Decimal(1)) -> None:
        self._clock = clock
        self._limits = {
            bucket: scaled(limit, float(rate_scale)) for bucket, limit in LIMITS.items()
        }
        self._states = dict.fromkeys(Bucket, PaceState())
        self._ids = count(1)

    def beside(self, clock: Clock) -> "LocalRateLimiter":
        """Return the same limits, kept in the same place, for somebody with a clock of its own."""
        other = copy(self)
        other._clock = clock
        return other

    async def reserve(self, bucket: Bucket, *, within_seconds: float) -> Slot | None:
        """Wait for a slot, at most `within_seconds`; None when none comes free in that time."""
        limit = self._limits[bucket]
        give_up_at = self._clock.monotonic() + within_seconds
        while (wait := wait_seconds(self._states[bucket], limit, self._clock.monotonic())) > 0:
            if self._clock.monotonic() + wait > give_up_at:
                return None
            await self._clock.sleep(wait)
        now = self._clock.monotonic()
        slot = Slot(bucket, f"{bucket}-{next(self._ids)}", leave_by=now + LEAVE_WITHIN_SECONDS)
        self._states[bucket] = with_slot(self._states[bucket], limit, slot.id, now)
        return slot

    async def answered(self, slot: Slot) -> None:
        """Count the slot for one window from now."""
        now = self._clock.monotonic()
        self._states[slot.bucket] = with_answer(self._states[slot.bucket], slot.id, now)

    async def unreachable(self, slot: Slot) -> None:
        """Count the slot for one window from now, and go on probing."""
        now = self._clock.monotonic()
        self._states[slot.bucket] = with_end(self._states[slot.bucket], slot.id, now)

    async def throttled(self, slot: Slot) -> None:
        """Pause the bucket, then let one probe go; the others follow when it is answered."""
        limit, now = self._limits[slot.bucket], self._clock.monotonic()
        self._states[slot.bucket] = with_throttle(self._states[slot.bucket], limit, slot.id, now)

    async def release(self, slot: Slot) -> None:
        """Stop counting a slot whose request never left."""
        self._states[slot.bucket] = without_slot(self._states[slot.bucket], slot.id)
