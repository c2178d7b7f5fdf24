"""Tells a database that is away, or a lock that is held, from a statement that is wrong; and why."""

from typing import Final

from sqlalchemy.exc import DBAPIError, IntegrityError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout

# PostgreSQL, appendix A: class 08 is the connection, and whatever a pooler has to say; 57P01 to
# 57P05 a server or a session that goes down or comes up, 53300 too many connections; 55P03, 57014
# and 25P03 are a lock, a statement or a transaction that took too long.
_CONNECTION_CLASS: Final = "08"
_AUTHORIZATION_CLASS: Final = "28"
_NO_SUCH_DATABASE: Final = "3D000"
_NO_SUCH_TABLE: Final = "42P01"
_AWAY_STATES: Final = frozenset(
    {"57P01", "57P02", "57P03", "57P04", "57P05", "53300", "55P03", "57014", "25P03"}
)
STATEMENT_MODE: Final = (
    "PgBouncer keeps no transaction together: set pool_mode = transaction, or session"
)
_LOCK_NOT_AVAILABLE: Final = "55P03"
_REASON_LENGTH: Final = 300


def is_database_away(error: BaseException) -> bool:
    """Say whether this error means that the database cannot be reached, or has hung up on us.

    A connection attempt that fails surfaces as a bare OSError; one without a file name came from
    a socket and not from a file.
    """
    if isinstance(error, PoolTimeout):
        return True
    if isinstance(error, DBAPIError):
        return error.connection_invalidated or _says_away(error)
    if isinstance(error, OSError):
        return error.filename is None
    return _says_away(error)


def is_database_fault(error: BaseException) -> bool:
    """Say whether the database is the reason, be it away or not willing."""
    return isinstance(error, SQLAlchemyError) or is_database_away(error)


def refuses_connection(error: BaseException) -> bool:
    """Say whether the server knows no such user, password or database."""
    state = _state_of(error)
    return state.startswith(_AUTHORIZATION_CLASS) or state == _NO_SUCH_DATABASE


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


def _driver_error(error: BaseException) -> BaseException:
    """Return what the driver raised, without what SQLAlchemy and procrastinate put around it."""
    if isinstance(error, DBAPIError) and error.orig is not None:
        error = error.orig
    return error.__cause__ or error


def _says_away(error: BaseException) -> bool:
    state = _state_of(error)
    return state.startswith(_CONNECTION_CLASS) or state in _AWAY_STATES or refuses_connection(error)


def _state_of(error: BaseException) -> str:
    """Return the SQLSTATE that PostgreSQL gave, as the driver or SQLAlchemy hands it on."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    state = getattr(cause, "sqlstate", None)
    return state if isinstance(state, str) else ""


def is_lock_timeout(error: DBAPIError) -> bool:
    """Say whether a statement waited for a lock longer than `lock_timeout`."""
    return _state_of(error) == _LOCK_NOT_AVAILABLE


def violated_constraint(error: IntegrityError) -> str | None:
    """Return the name of the constraint that refused a statement."""
    driver_error = getattr(error.orig, "__cause__", None)
    name = getattr(driver_error, "constraint_name", None)
    return name if isinstance(name, str) else None
