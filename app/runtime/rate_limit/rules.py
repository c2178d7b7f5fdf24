"""The rule of a shared rate limit: who may send a request upstream, and when.

A limit of N requests in W seconds is exact at the upstream, however latency jumps, when a request
leaves only while the answer (or the deadline) of all but N - 1 of those before it lies W seconds
back: each of those others arrived before it was answered. Which N - 1 does not matter, so that
one whose answer is late or lost holds one place, and not the places of all that follow.
The rule is pure functions over a `PaceState`; a store of that state makes it a `Pace`.
"""

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final, Protocol

# How long a request may take, sending and answer together (reliability: total deadline 10 s).
CALL_DEADLINE_SECONDS: Final = 10.0
# A holder that has not sent its request by then throws the slot away.
LEAVE_WITHIN_SECONDS: Final = 1.0
# A clock may step by a few milliseconds between two readings.
MARGIN_SECONDS: Final = 0.01
# How soon to ask again while a probe is on its way.
ASK_AGAIN_SECONDS: Final = 0.1
# After AEONTO-ERROR-012 every replica pauses for one window, and at least for this long.
SHORTEST_PAUSE_SECONDS: Final = 2.0


class Bucket(StrEnum):
    """What shares one limit at AEON.to."""

    ORDER_PARAMETERS = "order_parameter_query"
    ORDER_CREATE = "order_create"  # order_create_pp too: whether they share is undocumented
    ORDER_STATUS = "order_status_query"
    ORDER_PRICE = "order_check_price"


@dataclass(frozen=True)
class Limit:
    """At most `count` requests in any `window_seconds`."""

    count: int
    window_seconds: float


# AEON.to API v3, "Rate limitation" of each endpoint.
LIMITS: Final = {
    Bucket.ORDER_PARAMETERS: Limit(3, 1),
    Bucket.ORDER_CREATE: Limit(4, 60),
    Bucket.ORDER_STATUS: Limit(3, 1),
    Bucket.ORDER_PRICE: Limit(1, 3),
}


@dataclass(frozen=True)
class Slot:
    """The right to send one request, once, before `leave_by` on the local monotonic clock."""

    bucket: Bucket
    id: str
    leave_by: float


class Pace(Protocol):
    """A rate limit that all replicas share."""

    async def reserve(self, bucket: Bucket, *, within_seconds: float) -> Slot | None:
        """Wait for a slot, at most `within_seconds`; None when none comes free in that time."""
        ...

    async def answered(self, slot: Slot) -> None:
        """Say that the request of this slot was answered: the limit counts from now."""
        ...

    async def unreachable(self, slot: Slot) -> None:
        """Say that nobody took the connection: it counts as an answer does, but ends no probing."""
        ...

    async def throttled(self, slot: Slot) -> None:
        """Say that the answer was AEONTO-ERROR-012: every replica pauses, then one probes."""
        ...

    async def release(self, slot: Slot) -> None:
        """Give a slot back whose request never left."""
        ...


@dataclass(frozen=True)
class SlotRecord:
    """One slot that was handed out; times are seconds on the clock of the store."""

    id: str
    granted_at: float
    answered_at: float | None = None

    @property
    def deadline(self) -> float:
        """When its request must have been answered."""
        return self.granted_at + LEAVE_WITHIN_SECONDS + CALL_DEADLINE_SECONDS

    def free_at(self, limit: Limit, now: float) -> float:
        """When its place is free again; while it is unanswered, when that is at the soonest."""
        over_at = min(now, self.deadline) if self.answered_at is None else self.answered_at
        return over_at + limit.window_seconds + MARGIN_SECONDS


@dataclass(frozen=True)
class PaceState:
    """The slots of a bucket that hold a place, and whether the upstream told us to stop."""

    slots: tuple[SlotRecord, ...] = ()
    paused_until: float = 0.0
    probing: bool = False


def wait_seconds(state: PaceState, limit: Limit, now: float) -> float:
    """Return 0 when a request may leave now, else the seconds after which to ask again."""
    if now < state.paused_until:
        return state.paused_until - now
    if state.probing and any(
        slot.answered_at is None and slot.deadline > now for slot in state.slots
    ):
        return ASK_AGAIN_SECONDS
    free_at = sorted(slot.free_at(limit, now) for slot in _held(state, limit, now))
    return free_at[-limit.count] - now if len(free_at) >= limit.count else 0.0


def _held(state: PaceState, limit: Limit, now: float) -> list[SlotRecord]:
    """Return the slots whose place is not free again."""
    return [slot for slot in state.slots if slot.free_at(limit, now) > now]


def with_slot(state: PaceState, limit: Limit, slot_id: str, now: float) -> PaceState:
    """Return the state after a slot was handed out."""
    held = _held(state, limit, now)
    return replace(state, slots=(*held, SlotRecord(slot_id, now)))


def with_end(state: PaceState, slot_id: str, now: float) -> PaceState:
    """Return the state after a request was over, whatever came of it."""
    slots = tuple(
        replace(slot, answered_at=now) if slot.id == slot_id else slot for slot in state.slots
    )
    return replace(state, slots=slots)


def with_answer(state: PaceState, slot_id: str, now: float) -> PaceState:
    """Return the state after an answer other than 012; it ends the probing that it answers."""
    probed = any(
        slot.id == slot_id and slot.granted_at >= state.paused_until for slot in state.slots
    )
    return replace(with_end(state, slot_id, now), probing=state.probing and not probed)


def with_throttle(state: PaceState, limit: Limit, slot_id: str, now: float) -> PaceState:
    """Return the state after AEONTO-ERROR-012: paused for one window, then one probe at a time."""
    pause = max(limit.window_seconds, SHORTEST_PAUSE_SECONDS) + MARGIN_SECONDS
    ended = with_end(state, slot_id, now)
    return replace(ended, paused_until=max(state.paused_until, now + pause), probing=True)


def without_slot(state: PaceState, slot_id: str) -> PaceState:
    """Return the state as if a slot whose request never left had not been handed out."""
    return replace(state, slots=tuple(slot for slot in state.slots if slot.id != slot_id))


def scaled(limit: Limit, rate_scale: float) -> Limit:
    """Multiply the count of a limit, down to one request; a share below one widens the window."""
    count = limit.count * rate_scale
    if count >= 1:
        return Limit(int(count), limit.window_seconds)
    return Limit(1, limit.window_seconds / count)
