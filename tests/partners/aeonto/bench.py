"""What the tests of the client share: a client over a mocked transport, and who listens to it."""

import random
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Final

from app.partners.aeonto.client import AeontoClient, open_aeonto
from app.partners.aeonto.report import Report
from app.runtime.rate_limit.rules import Bucket, Slot
from tests.partners.aeonto.golden import BASE_URL


class FixedClock:
    """A clock that moves only when told to."""

    def __init__(self) -> None:
        self.seconds = 1000.0
        self.random = random.Random(1)  # noqa: S311  # a test replays

    def now(self) -> datetime:
        return datetime(2019, 1, 11, 12, 46, 3, tzinfo=UTC)

    def monotonic(self) -> float:
        return self.seconds

    async def sleep(self, seconds: float) -> None:
        self.seconds += seconds


class RecordingPace:
    """A pace that grants everything and remembers what it was told."""

    def __init__(self) -> None:
        self.told: list[str] = []

    async def reserve(self, bucket: Bucket, *, within_seconds: float) -> Slot | None:
        self.told.append(f"reserve within {within_seconds:g}")
        return Slot(bucket, "1", float("inf"))

    async def answered(self, slot: Slot) -> None:
        self.told.append(f"answered {slot.id}")

    async def unreachable(self, slot: Slot) -> None:
        self.told.append(f"unreachable {slot.id}")

    async def throttled(self, slot: Slot) -> None:
        self.told.append(f"throttled {slot.id}")

    async def release(self, slot: Slot) -> None:
        self.told.append(f"release {slot.id}")


def slot(bucket: Bucket, leave_by: float = float("inf")) -> Slot:
    """Make a slot that may be used until `leave_by`."""
    return Slot(bucket, "1", leave_by)


ADDRESS: Final = "12Cyjf3qV6qLyXdzpLSLPdRFPUVidvnzFM"
JSON: Final = {"Content-Type": "application/json"}
ANSWERED: Final = ["answered 1"]

Ask = Callable[[AeontoClient], Awaitable[object]]
ASKS: Final[dict[str, Ask]] = {
    "order_parameter_query": lambda aeonto: aeonto.order_parameter_query(
        slot=slot(Bucket.ORDER_PARAMETERS)
    ),
    "order_create": lambda aeonto: aeonto.order_create(
        Decimal("0.1"), ADDRESS, slot=slot(Bucket.ORDER_CREATE)
    ),
    "order_create_pp": lambda aeonto: aeonto.order_create_pp(
        "https://bitpay.com/invoice?id=xxx", slot=slot(Bucket.ORDER_CREATE)
    ),
    "order_status_query": lambda aeonto: aeonto.order_status_query(
        "aeonto-XCZEsu", slot=slot(Bucket.ORDER_STATUS)
    ),
    "order_check_price": lambda aeonto: aeonto.order_check_price(
        Decimal("0.15"), slot=slot(Bucket.ORDER_PRICE)
    ),
}


class Bench:
    """A client whose transport is mocked, and all that it told others."""

    def __init__(self, base_url: str = BASE_URL) -> None:
        self.clock = FixedClock()
        self.pace = RecordingPace()
        self.observed: list[tuple[str, str, float]] = []
        self.transport = open_aeonto(base_url)
        self.aeonto = AeontoClient(
            self.transport, pace=self.pace, clock=self.clock, observe=self._observe
        )

    def _observe(self, endpoint: str, outcome: str, seconds: float) -> None:
        self.observed.append((endpoint, outcome, seconds))

    async def look(self) -> Report:
        return await self.aeonto.order_status_query("aeonto-XCZEsu", slot=slot(Bucket.ORDER_STATUS))
