"""The states of an order and the one table of moves between them (AEON.to's own words)."""

from enum import StrEnum
from types import MappingProxyType
from typing import Final


class OrderStatus(StrEnum):
    """AEON.to's vocabulary (AEON.to API v3, "Querying order status"), plus our FAILED, CANCELLED."""

    TO_BE_CREATED = "TO_BE_CREATED"
    UNPAID = "UNPAID"
    UNDERPAID = "UNDERPAID"
    PAID_UNCONFIRMED = "PAID_UNCONFIRMED"
    PAID = "PAID"
    BTC_SENT = "BTC_SENT"
    TIMED_OUT = "TIMED_OUT"
    NOT_FOUND = "NOT_FOUND"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"


class Move(StrEnum):
    """What it takes to move from one state to another."""

    AT_ONCE = "m"  # one report that matches the order
    AFTER_SIGHTINGS = "s"  # the same report 3 times over 10 minutes
    OWN = "o"  # our own decision: refused for good, or the deadline passed
    OPERATOR = "p"  # an operator closes the order
    CANCEL = "c"  # its buyer, or an operator, cancels what nobody paid
    STAY = "="  # a report of it changes nothing
    ILLEGAL = "."


_COLUMNS: Final = tuple(OrderStatus)
_TABLE: Final = """
                   TO_BE_CREATED
                   |  UNPAID
                   |  |  UNDERPAID
                   |  |  |  PAID_UNCONFIRMED
                   |  |  |  |  PAID
                   |  |  |  |  |  BTC_SENT
                   |  |  |  |  |  |  TIMED_OUT
                   |  |  |  |  |  |  |  NOT_FOUND
                   |  |  |  |  |  |  |  |  FAILED
                   |  |  |  |  |  |  |  |  |  CANCELLED
TO_BE_CREATED      =  m  m  m  m  m  m  s  o  c
UNPAID             .  =  m  m  m  m  m  s  p  c
UNDERPAID          .  .  =  m  m  m  m  s  p  .
PAID_UNCONFIRMED   .  s  s  =  m  m  s  .  p  .
PAID               .  .  .  .  =  m  .  .  p  .
BTC_SENT           .  .  .  .  .  =  .  .  .  .
TIMED_OUT          .  m  m  m  m  m  =  .  p  .
NOT_FOUND          m  m  m  m  m  m  .  =  p  .
FAILED             .  .  .  .  .  .  .  .  =  .
CANCELLED          =  =  m  m  m  m  =  .  p  =
"""


def _read_table() -> dict[tuple[OrderStatus, OrderStatus], Move]:
    rows = [line.split() for line in _TABLE.splitlines()[-len(_COLUMNS) :]]
    return {
        (OrderStatus(row[0]), column): Move(mark)
        for row in rows
        for column, mark in zip(_COLUMNS, row[1:], strict=True)
    }


MOVES: Final = MappingProxyType(_read_table())

LADDER: Final = (
    OrderStatus.TO_BE_CREATED,
    OrderStatus.UNPAID,
    OrderStatus.UNDERPAID,
    OrderStatus.PAID_UNCONFIRMED,
    OrderStatus.PAID,
    OrderStatus.BTC_SENT,
)

# Such an order is not paid in full, and waits for money: it counts against the limit of its buyer.
OPEN_UNPAID: Final = frozenset(
    {OrderStatus.TO_BE_CREATED, OrderStatus.UNPAID, OrderStatus.UNDERPAID}
)

# A report of one of these must carry uuid, destination and amount: money has moved.
NEEDS_FULL_IDENTITY: Final = frozenset(
    {OrderStatus.PAID_UNCONFIRMED, OrderStatus.PAID, OrderStatus.BTC_SENT}
)


def grants(status: OrderStatus, granting_status: OrderStatus) -> bool:
    """Say whether an order in `status` is in or past its granting state."""
    return status in LADDER and LADDER.index(status) >= LADDER.index(granting_status)
