"""Who asked about which order: gathered in this process, written once a second in one statement.

An order that somebody waits for is looked at sooner. Losing what was gathered costs nothing.
"""

from datetime import datetime
from typing import Final

from sqlalchemy import and_, case, func, select, update

from app.orders.models import Order, Payment
from app.orders.rules.poll_schedule import poll_when_requested
from app.orders.rules.rails import Rail
from app.orders.rules.states import OrderStatus
from app.runtime.db.engine import Database

# More than this in one second is not waiting; the orders are looked at in their own rhythm.
_MOST: Final = 10_000


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
        looks = [
            (and_(Order.rail == rail, Order.status == status), look)
            for rail in Rail
            for status in OrderStatus
            if (look := poll_when_requested(status, now, rail=rail)) is not None
        ]
        due = case(*((which, look.at) for which, look in looks))
        urgency = case(*((which, int(look.urgency)) for which, look in looks))
        # `due` is NULL for a status that asking does not hasten, and nothing is later than NULL.
        unsettled = (
            select(Payment.order_id)
            .where(Payment.order_id == Order.id, Payment.settlement_claimed_at.is_not(None))
            .exists()
        )
        late = (
            select(Order.id)
            .where(Order.id.in_(asked), Order.next_look_at > due, ~unsettled)
            .with_for_update(skip_locked=True)
        )
        async with database.sessions() as session, session.begin():
            hastened = await session.execute(
                update(Order)
                .where(Order.id.in_(late))
                .values(next_look_at=due, look_urgency=func.greatest(Order.look_urgency, urgency))
                .returning(Order.id)
                .execution_options(synchronize_session=False)
            )
            return hastened.first() is not None
