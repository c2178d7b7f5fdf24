"""Who asked about which order: gathered in this process, written once a second in one statement.

An order that somebody waits for is looked at sooner. Losing what was gathered costs nothing.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

from app.orders.rules.poll_schedule import NextPoll, poll_when_requested
from app.orders.rules.rails import Rail
from app.orders.rules.states import OrderStatus
from app.runtime.db.direct import Statement
from app.runtime.db.engine import Database

# More than this in one second is not waiting; the orders are looked at in their own rhythm.
_MOST: Final = 10_000


def _by_state(of: Callable[[NextPoll], str]) -> str:
    """Return, in SQL, what holds for a row of `orders` by its rail and status; NULL: not hastened."""
    looks = [
        (f"orders.rail = '{rail}' AND orders.status = '{status}'", look)
        for rail in Rail
        for status in OrderStatus
        if (look := poll_when_requested(status, _ANY_TIME, rail=rail)) is not None
    ]
    return f"CASE {' '.join(f'WHEN {which} THEN {of(look)}' for which, look in looks)} END"


def _pause(look: NextPoll) -> str:
    return f"interval '{(look.at - _ANY_TIME).total_seconds()} seconds'"


_ANY_TIME: Final = datetime(2026, 1, 1, tzinfo=UTC)
_DUE: Final = f"(CAST(:now AS timestamptz) + {_by_state(_pause)})"
# Nothing is later than NULL. An order whose lease is being written is looked at anyway.
_HASTEN: Final = Statement(f"""
    UPDATE orders SET next_look_at = late.due_at,
        look_urgency = greatest(orders.look_urgency, late.urgency)
    FROM (
        SELECT orders.id, {_DUE} AS due_at,
            {_by_state(lambda look: str(int(look.urgency)))} AS urgency
        FROM orders
        WHERE orders.id = ANY(CAST(:asked AS text[])) AND orders.next_look_at > {_DUE}
            AND NOT EXISTS (SELECT FROM payments WHERE payments.order_id = orders.id
                AND payments.settlement_claimed_at IS NOT NULL)
        FOR UPDATE OF orders SKIP LOCKED) AS late
    WHERE orders.id = late.id
    RETURNING orders.id""")  # noqa: S608  all of it is ours


class PollHints:
    """The orders that were asked about since the last flush."""

    def __init__(self) -> None:
        """Begin with none."""
        self._asked: set[str] = set()

    def note(self, order_id: str) -> None:
        """Remember that somebody asked about an order that they may see."""
        if len(self._asked) < _MOST:
            self._asked.add(order_id)

    async def flush(self, database: Database, now: datetime) -> bool:
        """Bring the orders forward that were asked about, and forget them; say whether any moved."""
        if not self._asked:
            return False
        asked, self._asked = self._asked, set()
        return bool(await database.fetch(_HASTEN, asked=list(asked), now=now))
