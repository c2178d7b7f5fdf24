"""When an order is looked at next, and how urgently: from its state and how long it has been in it.

An order that is late weighs its lateness times its urgency, and the heaviest goes first. So every
rhythm of one urgency stretches by the same time when there is too much to do, the urgent stretch
less, and whoever waits long enough comes first: nobody starves.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum
from typing import Final

from app.orders.rules.rails import Rail
from app.orders.rules.states import OrderStatus

AFTERMATH_STATUSES: Final = frozenset(
    {OrderStatus.TIMED_OUT, OrderStatus.NOT_FOUND, OrderStatus.CANCELLED}
)
FINAL_STATUSES: Final = frozenset({OrderStatus.BTC_SENT, OrderStatus.FAILED})


class Urgency(IntEnum):
    """What a second of lateness weighs."""

    AFTERMATH = 1  # closed upstream, or cancelled; a late payment may still come
    OPEN = 4
    ASKED = 8  # somebody has just asked about it
    EXPIRING = 16  # about to time out
    ADDRESS = 32  # a buyer waits for an address


@dataclass(frozen=True)
class NextPoll:
    """When an order is due, and how urgent it is then."""

    at: datetime
    urgency: Urgency


# A buyer is surely there so long after an order was made.
_FRESH_FOR: Final = timedelta(minutes=2)
_FAST: Final = timedelta(seconds=2)
# An order that is this close to its time-out is looked at before the others.
_ABOUT_TO_EXPIRE: Final = timedelta(minutes=2)

# (age in the state, pause between looks)
_OPEN: Final = (
    (timedelta(minutes=30), timedelta(seconds=5)),
    (timedelta(hours=2), timedelta(seconds=15)),
    (timedelta(hours=24), timedelta(minutes=1)),
)
_STUCK: Final = timedelta(minutes=5)
# Servers of the chain are asked no more often about one order; blocks come every 10 minutes.
_UNSETTLED: Final = timedelta(seconds=30)
_AFTER_REFUSED_CREATION: Final = timedelta(seconds=10)

# After a time-out: every minute for half an hour, then every 10 minutes to 2 h, hourly to 24 h.
_AFTERMATH: Final = (
    (timedelta(minutes=30), timedelta(minutes=1)),
    (timedelta(hours=2), timedelta(minutes=10)),
    (timedelta(hours=24), timedelta(hours=1)),
)

# An address is watched for ever, for somebody may pay there at any time. While the money is awaited,
# every 10 seconds for an hour, then every 30; afterwards ever more rarely.
_AWAITED: Final = ((timedelta(hours=1), timedelta(seconds=10)),)
_AWAITED_LONG: Final = timedelta(seconds=30)
_WATCHED: Final = (*_AFTERMATH, (timedelta(days=30), timedelta(days=1)))
# A payment that was confirmed may still be reorganised away: soon, or at all events within a day.
_CONFIRMED: Final = (
    (timedelta(hours=2), timedelta(minutes=10)),
    (timedelta(hours=24), timedelta(hours=1)),
    (timedelta(days=30), timedelta(days=1)),
)
_WATCHED_LONG: Final = timedelta(days=7)
_ASKED_ON_CHAIN: Final = timedelta(seconds=5)


def next_poll(
    status: OrderStatus,
    *,
    rail: Rail,
    since: datetime,
    expires_at: datetime | None,
    now: datetime,
    unsettled: bool = False,
) -> NextPoll | None:
    """Return when to look again at an order that is in `status` since `since`; None: never.

    `expires_at` is when an unpaid order times out, if AEON.to has said so; `unsettled`: AEON.to
    says that it sent the bitcoin, and the chain does not say so yet.
    """
    if rail is Rail.BITCOIN:
        return _next_poll_on_chain(status, since=since, expires_at=expires_at, now=now)
    if status in FINAL_STATUSES:
        return None
    age = now - since
    if status in AFTERMATH_STATUSES:
        pauses = (pause for until, pause in _AFTERMATH if age < until)
        pause = next(pauses, None)
        return NextPoll(now + pause, Urgency.AFTERMATH) if pause else None
    if status is OrderStatus.TO_BE_CREATED and age < _FRESH_FOR:
        return NextPoll(now + _FAST, Urgency.ADDRESS)
    pause = next((pause for until, pause in _OPEN if age < until), _STUCK)
    at = now + (max(pause, _UNSETTLED) if unsettled else pause)
    return NextPoll(at, Urgency.EXPIRING if _expires(status, expires_at, at) else Urgency.OPEN)


def _next_poll_on_chain(
    status: OrderStatus, *, since: datetime, expires_at: datetime | None, now: datetime
) -> NextPoll:
    age = now - since
    if status is OrderStatus.PAID or status in AFTERMATH_STATUSES | FINAL_STATUSES:
        rhythm = _CONFIRMED if status is OrderStatus.PAID else _WATCHED
        pause = next((pause for until, pause in rhythm if age < until), _WATCHED_LONG)
        return NextPoll(now + pause, Urgency.AFTERMATH)
    at = now + next((pause for until, pause in _AWAITED if age < until), _AWAITED_LONG)
    return NextPoll(at, Urgency.EXPIRING if _expires(status, expires_at, at) else Urgency.OPEN)


def _expires(status: OrderStatus, expires_at: datetime | None, at: datetime) -> bool:
    waiting = status in (OrderStatus.UNPAID, OrderStatus.UNDERPAID)
    return waiting and expires_at is not None and abs(expires_at - at) <= _ABOUT_TO_EXPIRE


def poll_after_failure(
    status: OrderStatus,
    *,
    rail: Rail,
    since: datetime,
    pause: timedelta,
    creating: bool,
    now: datetime,
) -> NextPoll | None:
    """Return when to try again after a request that brought nothing; None: never.

    What was cancelled before AEON.to accepted it is not created again. A look that failed does not come sooner than one that succeeded.
    """
    if creating and status is OrderStatus.CANCELLED:
        return None
    look = next_poll(status, rail=rail, since=since, expires_at=None, now=now)
    if look is None:
        return NextPoll(now + pause, Urgency.AFTERMATH)
    return NextPoll(now + pause if creating else max(look.at, now + pause), look.urgency)


def creation_again(status: OrderStatus, now: datetime) -> NextPoll | None:
    """Return when to create an order again whose creation was answered with another order.

    None: it was cancelled meanwhile.
    """
    if status is OrderStatus.CANCELLED:
        return None
    return NextPoll(now + _AFTER_REFUSED_CREATION, Urgency.ADDRESS)


def poll_when_requested(
    status: OrderStatus, now: datetime, *, rail: Rail, unsettled: bool = False
) -> NextPoll | None:
    """Return when an order that somebody asks about is due at the latest; None: no sooner.

    An order that AEON.to has not accepted yet waits for its creation, and an unsettled one for a
    block; asking can hasten neither.
    """
    if rail is Rail.BITCOIN:
        awaited = status in (
            OrderStatus.UNPAID,
            OrderStatus.UNDERPAID,
            OrderStatus.PAID_UNCONFIRMED,
        )
        return NextPoll(now + _ASKED_ON_CHAIN, Urgency.ASKED) if awaited else None
    if unsettled or status in FINAL_STATUSES or status is OrderStatus.TO_BE_CREATED:
        return None
    if status in AFTERMATH_STATUSES:
        return NextPoll(now + _AFTERMATH[0][1], Urgency.AFTERMATH)
    return NextPoll(now + _FAST, Urgency.ASKED)
