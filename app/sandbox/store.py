"""What survives a kill: one small SQLite file with the orders, the steps of the chain, a few named values.

Every write is its own transaction; in WAL mode a killed process loses none that returned.
"""

import sqlite3
from pathlib import Path
from typing import Final

from pydantic import TypeAdapter

from app.sandbox.orders import Order

_ORDERS: Final = TypeAdapter(Order)
_SCHEMA: Final = """
PRAGMA journal_mode = WAL;
PRAGMA synchronous = NORMAL;
CREATE TABLE IF NOT EXISTS orders (uuid TEXT PRIMARY KEY, body TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS steps (number INTEGER PRIMARY KEY, body TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS things (name TEXT PRIMARY KEY, body TEXT NOT NULL);
"""


class Store:
    """The file at `path`, made when it is not there; in memory when `path` is None.

    Raises sqlite3.DatabaseError when the file is something else.
    """

    def __init__(self, path: Path | None) -> None:
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
        # The event loop's thread alone uses it, which need not be the thread that made it.
        self._file = sqlite3.connect(
            path or ":memory:", isolation_level=None, check_same_thread=False
        )
        try:
            self._file.executescript(_SCHEMA)
        except sqlite3.DatabaseError:
            self._file.close()
            raise

    def orders(self) -> list[Order]:
        """Read every order, oldest first."""
        rows = self._file.execute("SELECT body FROM orders ORDER BY rowid")
        return [_ORDERS.validate_json(body) for (body,) in rows]

    def save_order(self, order: Order) -> None:
        """Insert an order, or replace what was kept of it."""
        self._file.execute(
            "INSERT INTO orders VALUES (?, ?) "
            "ON CONFLICT (uuid) DO UPDATE SET body = excluded.body",
            (order.uuid, _ORDERS.dump_json(order).decode()),
        )

    def forget_order(self, uuid: str) -> None:
        """Delete an order."""
        self._file.execute("DELETE FROM orders WHERE uuid = ?", (uuid,))

    def forget_orders(self) -> None:
        """Delete every order."""
        self._file.execute("DELETE FROM orders")

    def steps(self) -> list[str]:
        """Read every step of the chain, oldest first."""
        rows = self._file.execute("SELECT body FROM steps ORDER BY number")
        return [body for (body,) in rows]

    def add_step(self, body: str) -> None:
        """Keep one more step of the chain."""
        self._file.execute("INSERT INTO steps (body) VALUES (?)", (body,))

    def forget_steps(self) -> None:
        """Delete every step of the chain."""
        self._file.execute("DELETE FROM steps")

    def get(self, name: str) -> str | None:
        """Read a named value; None if it was never kept."""
        row = self._file.execute("SELECT body FROM things WHERE name = ?", (name,)).fetchone()
        return None if row is None else str(row[0])

    def put(self, name: str, body: str) -> None:
        """Keep a named value."""
        self._file.execute(
            "INSERT INTO things VALUES (?, ?) "
            "ON CONFLICT (name) DO UPDATE SET body = excluded.body",
            (name, body),
        )

    def close(self) -> None:
        """Close the file."""
        self._file.close()
