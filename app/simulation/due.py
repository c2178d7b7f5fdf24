"""Due orders in memory: the weightiest of the due ones, quickly found."""

import heapq
from collections.abc import Callable, Collection
from datetime import datetime
from itertools import count

from app.orders.models import Order
from app.orders.rules.poll_schedule import Urgency

_Entry = tuple[datetime, str, int, Order]


class DueOrders:
    """A heap by due time for each urgency, and one of leases by their end.

    Entries are never taken out in the middle: one that no longer says what its order says is
    dropped when it comes up.
    """

    def __init__(self, changed: Callable[[], None]) -> None:
        """Begin with none; `changed` is called when one waits anew."""
        self._changed = changed
        self._waiting: dict[int, list[_Entry]] = {urgency: [] for urgency in Urgency}
        self._leases: list[_Entry] = []
        self._held: dict[str, datetime] = {}
        self._numbers = count()

    def wait(self, order: Order) -> None:
        """Let an order that nobody holds wait until it is due, if it ever is."""
        self._held.pop(order.id, None)
        if order.next_look_at is not None:
            entry = (order.next_look_at, order.id, next(self._numbers), order)
            heapq.heappush(self._waiting[order.look_urgency], entry)
            self._changed()

    def hold(self, order: Order, until: datetime) -> None:
        """Leave an order out until its lease is over, or until it is told to wait again."""
        self._held[order.id] = until
        heapq.heappush(self._leases, (until, order.id, next(self._numbers), order))

    def forget(self, order: Order) -> None:
        """Leave an order out for good."""
        self._held.pop(order.id, None)

    def is_held(self, order: Order, true_now: datetime) -> bool:
        """Say whether the lease of an order runs."""
        self._end_leases(true_now)
        return order.id in self._held

    def weightiest(
        self, now: datetime, true_now: datetime, quarantined: Collection[str]
    ) -> Order | None:
        """Return the due order with the greatest lateness times urgency; None: none is due.

        `now` is the asking replica's clock, `true_now` the one that leases are measured on.
        """
        self._end_leases(true_now)
        best: tuple[float, datetime, str] | None = None
        found = None
        for urgency in self._waiting:
            entry = self._first(urgency, quarantined)
            if entry is None or entry[0] > now:
                continue
            rank = (-(now - entry[0]).total_seconds() * urgency, entry[0], entry[1])
            if best is None or rank < best:
                best, found = rank, entry[3]
        return found

    def earliest(self) -> datetime | None:
        """Return when the next order may be due; None when none waits."""
        while self._leases and not self._runs(self._leases[0]):
            heapq.heappop(self._leases)
        moments = [self._leases[0][0]] if self._leases else []
        for urgency in self._waiting:
            entry = self._first(urgency, ())
            if entry is not None:
                moments.append(entry[0])
        return min(moments, default=None)

    def next_at(self, true_now: datetime, quarantined: Collection[str]) -> datetime | None:
        """Return when the next order is due of those that nobody holds; None: none ever is."""
        self._end_leases(true_now)
        first = (self._first(urgency, quarantined) for urgency in self._waiting)
        return min((entry[0] for entry in first if entry is not None), default=None)

    def _end_leases(self, true_now: datetime) -> None:
        while self._leases and self._leases[0][0] < true_now:
            lease = heapq.heappop(self._leases)
            if self._runs(lease):
                self.wait(lease[3])

    def _runs(self, lease: _Entry) -> bool:
        return self._held.get(lease[1]) == lease[0]

    def _first(self, urgency: int, quarantined: Collection[str]) -> _Entry | None:
        heap = self._waiting[urgency]
        while heap and not self._says(heap[0], urgency):
            heapq.heappop(heap)
        if not heap or heap[0][1] not in quarantined:
            return heap[0] if heap else None
        others = (
            entry for entry in heap if entry[1] not in quarantined and self._says(entry, urgency)
        )
        return min(others, default=None)

    def _says(self, entry: _Entry, urgency: int) -> bool:
        """Say whether an entry is what its order says now."""
        order = entry[3]
        return (
            order.next_look_at == entry[0]
            and order.look_urgency == urgency
            and entry[1] not in self._held
        )
