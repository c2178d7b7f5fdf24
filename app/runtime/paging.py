"""Cursor pages: own things, newest first, stable while new ones arrive."""

import base64
import binascii
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, Generic, TypeVar

from sqlalchemy import tuple_
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.orm import InstrumentedAttribute

from app.runtime.db.base import AnyRow, AnySelect
from app.runtime.errors import InvalidParameter

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

Item = TypeVar("Item")
Cursor = tuple[datetime, str]


@dataclass(frozen=True)
class Page(Generic[Item]):
    """Some items and the cursor of the next page; None on the last one."""

    items: list[Item]
    next_cursor: str | None


def write_cursor(position: Cursor) -> str:
    """Write a position (when, and which id) as opaque text."""
    at, item_id = position
    microseconds = (at - _EPOCH) // timedelta(microseconds=1)
    return base64.urlsafe_b64encode(f"{microseconds} {item_id}".encode()).decode().rstrip("=")


def read_cursor(text: str) -> Cursor:
    """Read a cursor that `write_cursor` wrote. Raises InvalidParameter for any other text."""
    try:
        padded = text + "=" * (-len(text) % 4)
        microseconds, _, item_id = (
            base64.b64decode(padded.encode("ascii"), altchars=b"-_", validate=True)
            .decode("ascii")
            .partition(" ")
        )
        at = _EPOCH + timedelta(microseconds=int(microseconds))
    except (ValueError, OverflowError, binascii.Error):
        raise InvalidParameter("cursor", "a next_cursor of an earlier page") from None
    if not item_id or "\x00" in item_id:
        raise InvalidParameter("cursor", "a next_cursor of an earlier page")
    return at, item_id


async def page_of(
    connection: AsyncConnection,
    query: AnySelect,
    *,
    order: tuple[InstrumentedAttribute[datetime], InstrumentedAttribute[str]],
    cursor: Cursor | None,
    limit: int,
    read: Callable[[AnyRow], Item],
    position: Callable[[Item], Cursor],
) -> Page[Item]:
    """Read one page of a query, newest first by `order` (a time, then an id)."""
    if cursor is not None:
        query = query.where(tuple_(*order) < tuple_(*cursor))
    rows = (
        await connection.execute(
            query.order_by(*(column.desc() for column in order)).limit(limit + 1)
        )
    ).all()
    items = [read(row) for row in rows[:limit]]
    more = len(rows) > limit
    return Page(items, write_cursor(position(items[-1])) if more else None)
