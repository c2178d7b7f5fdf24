"""Whether the database takes changes, as its sessions and statements have shown.

A session that is read only is not kept: it may stay so after the database takes changes again, or
lead to a server that is now a standby. A full disk shows in statements alone, so those that were
refused are remembered.
"""

import time
from typing import Any, Final

from sqlalchemy import AdaptedConnection, Connection, Engine, event, text
from sqlalchemy.engine import ExceptionContext, ExecutionContext
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.pool import ConnectionPoolEntry

from app.runtime.db.failures import Unavailable, is_read_only_transaction, unavailability

# Who asks for the state asks again within seconds; a failure that nothing repeats is forgotten.
_REMEMBER_SECONDS: Final = 15.0
_COMMIT: Final = "COMMIT"
# PostgreSQL reports both by itself whenever they change.
_READ_ONLY_PARAMETERS: Final = ("in_hot_standby", "default_transaction_read_only")


class Writability:
    """Watches an engine; drops read-only sessions, and remembers which statements were refused."""

    def __init__(self) -> None:
        self._refused: dict[str, float] = {}

    def attach(self, engine: Engine) -> None:
        """Watch every connection of this engine."""
        event.listen(engine, "handle_error", self._see_error)
        event.listen(engine, "after_cursor_execute", self._see_success)
        event.listen(engine, "commit", self._see_commit)
        event.listen(engine, "checkin", _drop_read_only)

    def refused_lately(self) -> bool:
        """Say whether a change was refused within the last seconds, and none like it made since."""
        earliest = time.monotonic() - _REMEMBER_SECONDS
        self._refused = {what: at for what, at in self._refused.items() if at > earliest}
        return bool(self._refused)

    def see_refusal(self, fault: BaseException, statement: str) -> bool:
        """Learn from the fault of a statement; say whether its session is read only."""
        if unavailability(fault) is not Unavailable.READ_ONLY:
            return False
        if is_read_only_transaction(fault):
            return True
        self._refused[statement] = time.monotonic()
        return False

    def forget_refusal(self, statement: str) -> None:
        """Learn that a statement was carried out."""
        self._refused.pop(statement, None)

    def _see_error(self, context: ExceptionContext) -> None:
        if self.see_refusal(context.original_exception, context.statement or _COMMIT):
            # For SQLAlchemy such a session is lost, and those that are as old as it.
            context.is_disconnect = True

    def _see_success(
        self,
        _connection: Connection,
        _cursor: object,
        statement: str,
        _parameters: object,
        _context: ExecutionContext | None,
        _executemany: bool,
    ) -> None:
        self.forget_refusal(statement)

    def _see_commit(self, _connection: Connection) -> None:
        self.forget_refusal(_COMMIT)


async def refusal_of_changes(connection: AsyncConnection) -> str | None:
    """Ask without writing why the database takes no changes; None when it takes them."""
    asked = text("SELECT pg_is_in_recovery(), current_setting('transaction_read_only') = 'on'")
    standby, read_only = (await connection.execute(asked)).one()
    if standby:
        return "it is a standby"
    return "it is read only" if read_only else None


def _drop_read_only(connection: AdaptedConnection | None, record: ConnectionPoolEntry) -> None:
    """Replace a session that says that it is read only before its next use."""
    driver: Any = connection.driver_connection if connection is not None else None
    if driver is None or driver.is_closed() or driver.begin_with:
        return  # a pooler, for which begin_with is set, may report what was true long ago
    reported = driver.get_settings()
    if any(getattr(reported, name, "off") == "on" for name in _READ_ONLY_PARAMETERS):
        record.invalidate(soft=True)
