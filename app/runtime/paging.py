"""Cursor pages: own things, newest first, stable while new ones arrive."""

import base64
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, Generic, TypeVar

from sqlalchemy import tuple_
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.orm import InstrumentedAttribute

from app.runtime.db.base import AnyRow, AnySelect
from app.runtime.errors import InvalidParameter

# A number that fits into PostgreSQL's bigint.
_NUMBER: Final = re.compile(r"n[0-9]{1,18}", re.ASCII)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

Item = TypeVar("Item")
Cursor = tuple[datetime, str]
# The position before every item: of a first page, for a statement that always has one.
NEWEST: Final[Cursor] = (datetime(9999, 1, 1, tzinfo=UTC), "")


@dataclass(frozen=True)
class TimeRange:
    """All from `since` on that is before `before`; None: there is no end on that side."""

    since: datetime | None = None
    before: datetime | None = None

    def begin(self, cursor: Cursor | None) -> Cursor:
        """Return the position that a page begins after, newest first, so that it is in the range."""
        end = NEWEST if self.before is None else (self.before, "")
        return end if cursor is None else min(cursor, end)


ALL_TIME: Final = TimeRange()


@dataclass(frozen=True)
class Page(Generic[Item]):
    """Some items and the cursor of the next page; None on the last one."""

    items: list[Item]
    next_cursor: str | None


def write_cursor(position: Cursor) -> str:
    """Write a position (when, and which id) as opaque text."""
    at, item_id = position
    return _encode(f"{(at - _EPOCH) // timedelta(microseconds=1)} {item_id}")


def read_cursor(text: str) -> Cursor:
    """Read a cursor that `write_cursor` wrote. Raises InvalidParameter for any other text."""
    try:
        microseconds, _, item_id = _decode(text).partition(" ")
        at = _EPOCH + timedelta(microseconds=int(microseconds))
    except (ValueError, OverflowError):
        raise _no_cursor() from None
    if not item_id or "\x00" in item_id:
        raise _no_cursor()
    return at, item_id


def read_number(text: str) -> int:
    """Read a cursor of `numbered_page_of`. Raises InvalidParameter for any other text."""
    try:
        number = _decode(text)
    except ValueError:
        raise _no_cursor() from None
    if not _NUMBER.fullmatch(number):
        raise _no_cursor()
    return int(number[1:])


def _encode(position: str) -> str:
    return base64.urlsafe_b64encode(position.encode()).decode().rstrip("=")


def _decode(text: str) -> str:
    """Undo `_encode`. Raises ValueError."""
    padded = text + "=" * (-len(text) % 4)
    return base64.b64decode(padded.encode("ascii"), altchars=b"-_", validate=True).decode("ascii")


def _no_cursor() -> InvalidParameter:
    return InvalidParameter("cursor", "a next_cursor of an earlier page")


async def page_of(
    connection: AsyncConnection,
    query: AnySelect,
    *,
    order: tuple[InstrumentedAttribute[datetime], InstrumentedAttribute[str]],
    cursor: Cursor | None,
    limit: int,
    read: Callable[[AnyRow], Item],
    position: Callable[[Item], Cursor],
    within: TimeRange = ALL_TIME,
) -> Page[Item]:
    """Read one page of a query, newest first by `order` (a time, then an id)."""
    begin = within.begin(cursor)
    if begin != NEWEST:
        query = query.where(tuple_(*order) < tuple_(*begin))
    if within.since is not None:
        query = query.where(order[0] >= within.since)
    rows = (
        await connection.execute(
            query.order_by(*(column.desc() for column in order)).limit(limit + 1)
        )
    ).all()
    return cut(rows, limit=limit, read=read, position=position)


def cut(
    rows: Sequence[AnyRow],
    *,
    limit: int,
    read: Callable[[AnyRow], Item],
    position: Callable[[Item], Cursor],
) -> Page[Item]:
    """Make a page of rows in its order, one more than `limit` if there are more."""
    items = [read(row) for row in rows[:limit]]
    more = len(rows) > limit
    return Page(items, write_cursor(position(items[-1])) if more else None)


async def numbered_page_of(
    connection: AsyncConnection,
    query: AnySelect,
    *,
    number: InstrumentedAttribute[int],
    cursor: int | None,
    limit: int,
    read: Callable[[AnyRow], Item],
) -> Page[Item]:
    """Read one page of a query whose rows are numbered as they come, the highest first.

    The query selects `number`, too.
    """
    if cursor is not None:
        query = query.where(number < cursor)
    rows = (await connection.execute(query.order_by(number.desc()).limit(limit + 1))).all()
    next_cursor = None
    if len(rows) > limit:
        next_cursor = _encode(f"n{getattr(rows[limit - 1], number.key)}")
    return Page([read(row) for row in rows[:limit]], next_cursor)
