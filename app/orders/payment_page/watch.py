"""The orders whose payment pages are open in this process, read together: a statement a second for all.

A page is told only when its order has changed. While no page is open, nothing is read.
"""

import asyncio
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from app.orders.payment_page.linked_order import LinkedOrder
from app.orders.poll_hints import PollHints
from app.orders.queries import VIEW_COLUMNS, WITH_PAYMENT, view_of
from app.runtime.db.engine import Database

_ORDERS: Final = text(
    f"SELECT {VIEW_COLUMNS}, orders.granted_at FROM orders {WITH_PAYMENT}"  # noqa: S608  all of it is ours
    " WHERE orders.id = ANY(:ids)"
)


class Follower:
    """An open page: its order as it was last read; `changed` is set when it was read anew."""

    def __init__(self, linked: LinkedOrder) -> None:
        """Begin with an order that was read just now."""
        self.linked = linked
        self.changed = asyncio.Event()


class PaymentWatch:
    """All open pages of this process."""

    def __init__(self) -> None:
        """Begin with none."""
        self._followers = defaultdict[str, set[Follower]](set)

    @contextmanager
    def following(self, linked: LinkedOrder) -> Iterator[Follower]:
        """Follow the order behind a link while the body runs."""
        follower, order_id = Follower(linked), linked.order.id
        self._followers[order_id].add(follower)
        try:
            yield follower
        finally:
            self._followers[order_id].discard(follower)
            if not self._followers[order_id]:
                del self._followers[order_id]

    async def look(self, database: Database, hints: PollHints) -> None:
        """Read the orders that are followed, and tell those who follow one that has changed."""
        if not self._followers:
            return
        followed = list(self._followers)
        for order_id in followed:
            hints.note(order_id)  # somebody waits for it
        async with database.reading() as connection:
            await self._tell(connection, followed)

    async def _tell(self, connection: AsyncConnection, followed: list[str]) -> None:
        rows = await connection.execute(_ORDERS, {"ids": followed})
        for row in rows.mappings():
            order, granted_at = view_of(row), row["granted_at"]
            for follower in self._followers.get(order.id, ()):
                if follower.linked.order != order:
                    follower.linked = replace(follower.linked, order=order, granted_at=granted_at)
                    follower.changed.set()
