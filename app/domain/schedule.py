"""When an order is looked at next: from its state and how long it has been in it."""

from datetime import datetime, timedelta
from typing import Final

from app.domain.states import OrderStatus

# Somebody probably waits for what comes next.
_FAST: Final = timedelta(seconds=2)
_FAST_FOR: Final = timedelta(minutes=2)
_STEADY: Final = timedelta(seconds=5)
_STEADY_FOR: Final = timedelta(minutes=30)
_SLOW: Final = timedelta(seconds=30)
_SLOW_FOR: Final = timedelta(hours=2)
_RARE: Final = timedelta(minutes=5)

_OPEN: Final = ((_FAST_FOR, _FAST), (_STEADY_FOR, _STEADY), (_SLOW_FOR, _SLOW))

# After a time-out: every minute for half an hour, then every 10 minutes to 2 h, hourly to 24 h.
_AFTERMATH: Final = (
    (timedelta(minutes=30), timedelta(minutes=1)),
    (timedelta(hours=2), timedelta(minutes=10)),
    (timedelta(hours=24), timedelta(hours=1)),
)


def next_look_at(status: OrderStatus, *, since: datetime, now: datetime) -> datetime | None:
    """Return when to look again at an order that is in `status` since `since`; None: never."""
    age = now - since
    match status:
        case (
            OrderStatus.TO_BE_CREATED
            | OrderStatus.UNPAID
            | OrderStatus.UNDERPAID
            | OrderStatus.PAID_UNCONFIRMED
            | OrderStatus.PAID
        ):
            return next((now + pause for until, pause in _OPEN if age < until), now + _RARE)
        case OrderStatus.TIMED_OUT | OrderStatus.NOT_FOUND:
            return next((now + pause for until, pause in _AFTERMATH if age < until), None)
        case OrderStatus.BTC_SENT | OrderStatus.FAILED:
            return None
