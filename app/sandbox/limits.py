"""The documented rate limits, counted on arrival in exact sliding windows.

Every request that arrives counts, a refused one too: whoever goes on asking stays refused. A
window is half open: a request exactly one window after another no longer meets it. Windows are
measured by the monotonic clock, which no control moves, and begin empty at a start.
"""

from collections import deque
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Final


class Endpoint(StrEnum):
    """The five endpoints of AEON.to API v3."""

    ORDER_PARAMETER_QUERY = "order_parameter_query"
    ORDER_CREATE = "order_create"
    ORDER_CREATE_PP = "order_create_pp"
    ORDER_STATUS_QUERY = "order_status_query"
    ORDER_CHECK_PRICE = "order_check_price"


@dataclass(frozen=True)
class Limit:
    """At most `count` requests in any `window_seconds`."""

    count: int
    window_seconds: int


# AEON.to API v3, "Rate limitation" of each endpoint.
DOCUMENTED: Final = {
    Endpoint.ORDER_PARAMETER_QUERY: Limit(3, 1),
    Endpoint.ORDER_CREATE: Limit(4, 60),
    Endpoint.ORDER_STATUS_QUERY: Limit(3, 1),
    Endpoint.ORDER_CHECK_PRICE: Limit(1, 3),
}


def bucket(endpoint: Endpoint) -> Endpoint:
    """Name the endpoint whose limit this one shares: both ways to create make orders."""
    return Endpoint.ORDER_CREATE if endpoint is Endpoint.ORDER_CREATE_PP else endpoint


class Limiter:
    """Counts the requests in the current window of each limit."""

    def __init__(self, scale: Decimal) -> None:
        self.limits = {
            name: Limit(max(1, int(limit.count * scale)), limit.window_seconds)
            for name, limit in DOCUMENTED.items()
        }
        self._arrivals: dict[Endpoint, deque[float]] = {name: deque() for name in self.limits}

    def arrive(self, endpoint: Endpoint, now: float) -> tuple[int, bool]:
        """Count a request at `now` (monotonic seconds).

        Returns how many the window that ends with it holds, and whether that is over the limit.
        """
        name = bucket(endpoint)
        limit, arrivals = self.limits[name], self._arrivals[name]
        arrivals.append(now)
        while now - arrivals[0] >= limit.window_seconds:
            arrivals.popleft()
        return len(arrivals), len(arrivals) > limit.count

    def forget(self) -> None:
        """Begin every window anew."""
        for arrivals in self._arrivals.values():
            arrivals.clear()
