"""Orders that this process leaves alone for a while, because working on them failed.

Whatever is wrong with such an order, it must not use up the permits of the others. Each replica
remembers for itself: the row may be the very thing that cannot be written.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

_FIRST_PAUSE: Final = timedelta(seconds=15)
_LONGEST_PAUSE: Final = timedelta(hours=1)
_DOUBLINGS: Final = 8
# A fault of ours hits every order alike; then the statements that leave them out must stay short.
_MOST: Final = 1000


@dataclass(frozen=True)
class _Fault:
    count: int
    until: datetime


class Quarantine:
    """Remembers which orders failed, how often, and until when they rest."""

    def __init__(self) -> None:
        """Begin with none."""
        self._faults: dict[str, _Fault] = {}

    def put(self, order_id: str, now: datetime) -> timedelta:
        """Put an order in quarantine, each time for twice as long; return for how long."""
        known = self._faults.pop(order_id, None)
        count = known.count + 1 if known else 1
        pause = min(_FIRST_PAUSE * (1 << min(count - 1, _DOUBLINGS)), _LONGEST_PAUSE)
        self._faults[order_id] = _Fault(count, now + pause)
        if len(self._faults) > _MOST:
            del self._faults[next(iter(self._faults))]
        return pause

    def take_back(self, order_id: str) -> None:
        """Forget the faults of an order that was worked on well."""
        self._faults.pop(order_id, None)

    def ids(self, now: datetime) -> list[str]:
        """Return the orders that rest now."""
        return [order_id for order_id, fault in self._faults.items() if fault.until > now]

    def __len__(self) -> int:
        """Count the orders whose last try failed."""
        return len(self._faults)
