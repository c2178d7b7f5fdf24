"""Tells a database that cannot serve now from a statement that is wrong; and why."""

from enum import StrEnum
from typing import Final

from asyncpg.exceptions import (
    ClientConfigurationError,
    InterfaceError,
    InternalClientError,
    PostgresError,
    TargetServerAttributeNotMatched,
)
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from app.runtime.db.clock import TimeUnknown
from app.runtime.db.concurrency import ConcurrencyLimitReached


class SessionRefused(Exception):
    """The server began no session for us, as where `options` in the URL are wrong; its cause says why."""


class Unavailable(StrEnum):
    """Why a database cannot serve now; each is the event that the log has of it."""

    AWAY = "database_away"
    BUSY = "database_busy"
    READ_ONLY = "database_read_only"


# PostgreSQL, appendix A. A class is the first two characters of a state.
_AWAY_CLASSES: Final = (
    "08",  # the connection, and whatever a pooler has to say
    "28",  # the user or the password is refused
    "57",  # an operator, a crash, a start or a stop
)
_BUSY_CLASSES: Final = ("53",)  # insufficient resources: connections, memory
_STATES: Final = {
    "25006": Unavailable.READ_ONLY,  # a standby, or default_transaction_read_only
    "25P03": Unavailable.BUSY,  # idle in a transaction for too long
    "25P04": Unavailable.BUSY,  # a transaction took too long
    "3D000": Unavailable.AWAY,  # no such database
    "40000": Unavailable.BUSY,  # rolled back
    "40001": Unavailable.BUSY,  # serialization, or a standby's conflict with recovery
    "40003": Unavailable.AWAY,  # whether the statement completed is not known
    "40P01": Unavailable.BUSY,  # deadlock
    "53100": Unavailable.READ_ONLY,  # the disk is full
    "55006": Unavailable.BUSY,  # in use
    "55P03": Unavailable.BUSY,  # a lock was waited for too long
    "57014": Unavailable.BUSY,  # a statement took too long
    "58000": Unavailable.AWAY,  # system error
    "58030": Unavailable.AWAY,  # input or output failed
    "72000": Unavailable.BUSY,  # snapshot too old
}
# States that mean something else, too: transaction numbers would wrap around (54000), and a file
# system that the kernel has mounted read only (42501).
_READ_ONLY_WORDS: Final = {
    "54000": "not accepting commands",
    "42501": "Read-only file system",
}
_NO_SUCH_DATABASE: Final = "3D000"
_NO_SUCH_TABLE: Final = "42P01"
_LOCK_NOT_AVAILABLE: Final = "55P03"
_READ_ONLY_TRANSACTION: Final = "25006"
STATEMENT_MODE: Final = (
    "PgBouncer keeps no transaction together: set pool_mode = transaction, or session"
)
_PLAIN_WORDS: Final = {
    Unavailable.AWAY: "the database does not answer; see ASSAY_DATABASE_URL ({reason})",
    Unavailable.BUSY: "the database is busy; try again ({reason})",
    Unavailable.READ_ONLY: "the database takes no changes ({reason})",
}
_REASON_LENGTH: Final = 300
_NO_SESSION: Final = (
    ClientConfigurationError,
    InternalClientError,  # the session ended in the midst of the driver's conversation with it
    SessionRefused,
    TargetServerAttributeNotMatched,
    TimeUnknown,
)


def unavailability(error: BaseException) -> Unavailable | None:
    """Say whether and why the database cannot serve now; None when the error means another thing.

    The same request may succeed later, unchanged. A connection attempt that fails surfaces as a
    bare OSError; one without a file name came from a socket and not from a file.
    """
    if isinstance(error, (PoolTimeout, ConcurrencyLimitReached)):
        return Unavailable.BUSY
    if isinstance(error, _NO_SESSION):
        return Unavailable.AWAY
    found = _by_state(error)
    if found is None and isinstance(error, DBAPIError):
        return Unavailable.AWAY if error.connection_invalidated else None
    if found is None and isinstance(error, OSError) and error.filename is None:
        return Unavailable.AWAY
    return found


def is_unavailable(error: BaseException) -> bool:
    """Say whether the database cannot serve now, and may later."""
    return unavailability(error) is not None


def is_database_fault(error: BaseException) -> bool:
    """Say whether the database is the reason, be it unavailable or not willing."""
    said_by_database = isinstance(error, (SQLAlchemyError, PostgresError, InterfaceError))
    return said_by_database or is_unavailable(error)


def is_read_only_transaction(error: BaseException) -> bool:
    """Say whether the session of the server allows no changes."""
    return _state_of(error) == _READ_ONLY_TRANSACTION


def refuses_connection(error: BaseException) -> bool:
    """Say whether the server knows no such user, password or database."""
    state = _state_of(error)
    return state.startswith("28") or state == _NO_SUCH_DATABASE


def refuses_transactions(error: BaseException) -> bool:
    """Say whether PgBouncer is in its statement mode."""
    return "not allowed in statement pooling mode" in str(error)


def lacks_table(error: BaseException) -> bool:
    """Say whether a table is missing: the schema was never made, or is an older one."""
    return _state_of(error) == _NO_SUCH_TABLE


def reason_of(error: BaseException) -> str:
    """Return in one line what the database, the pooler or the network said; no parameters."""
    told = _driver_error(error)
    words = str(told).strip().split("\n", 1)[0][:_REASON_LENGTH]
    kind = " ".join(part for part in (type(told).__name__, _state_of(told)) if part)
    return f"{kind}: {words}" if words else kind


def plain_reason(error: BaseException) -> str | None:
    """Say to an operator why the database did not serve; None when it is another fault."""
    if refuses_connection(error):
        return "the database refuses the user, the password or the name in ASSAY_DATABASE_URL"
    if refuses_transactions(error):
        return STATEMENT_MODE
    why = unavailability(error)
    if why is not None:
        return _PLAIN_WORDS[why].format(reason=reason_of(error))
    if lacks_table(error):
        return "the database lacks this version's schema; run `assay migrate`"
    return None


def context_of(error: BaseException) -> str:
    """Return what the database was doing: which relation it waited for, which function raised."""
    return getattr(_driver_error(error), "context", None) or ""


def is_lock_timeout(error: BaseException) -> bool:
    """Say whether a statement waited for a lock longer than `lock_timeout`."""
    return _state_of(error) == _LOCK_NOT_AVAILABLE


def violated_constraint(error: BaseException) -> str | None:
    """Return the name of the constraint that refused a statement; None: another thing did."""
    name = getattr(_driver_error(error), "constraint_name", None)
    return name if isinstance(name, str) else None


def _driver_error(error: BaseException) -> BaseException:
    """Return what the driver raised, without what SQLAlchemy and procrastinate put around it."""
    if isinstance(error, DBAPIError) and error.orig is not None:
        error = error.orig
    return error.__cause__ or error


def _by_state(error: BaseException) -> Unavailable | None:
    state = _state_of(error)
    if state in _STATES:
        return _STATES[state]
    if state in _READ_ONLY_WORDS and _READ_ONLY_WORDS[state] in str(error):
        return Unavailable.READ_ONLY
    if state.startswith(_AWAY_CLASSES):
        return Unavailable.AWAY
    return Unavailable.BUSY if state.startswith(_BUSY_CLASSES) else None


def _state_of(error: BaseException) -> str:
    """Return the SQLSTATE that PostgreSQL gave, as the driver or SQLAlchemy hands it on."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    state = getattr(cause, "sqlstate", None)
    return state if isinstance(state, str) else ""
