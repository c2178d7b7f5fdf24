"""The protocol of a shared rate limit: who may send a request upstream, and when.

A limit of N requests in W seconds is exact at the upstream, however latency jumps, when request
number i leaves only after the answer (or the deadline) of request i - N lies W seconds back.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Protocol


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


# aeonto-api-v3.rst, "Rate limitation" of each endpoint.
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

    async def throttled(self, slot: Slot) -> None:
        """Say that the answer was AEONTO-ERROR-012: every replica pauses, then one probes."""
        ...

    async def release(self, slot: Slot) -> None:
        """Give a slot back whose request never left."""
        ...
