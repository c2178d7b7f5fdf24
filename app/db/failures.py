"""Tells a database that is away, or a lock that is held, from a statement that is wrong."""

from typing import Final

from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.exc import TimeoutError as PoolTimeout

# PostgreSQL, appendix A: class 08 is the connection, 57P01 to 57P03 a server that goes down or
# comes up, 53300 too many connections; 55P03 and 57014 are a lock or a statement that took too long.
_CONNECTION_CLASS: Final = "08"
_AUTHORIZATION_CLASS: Final = "28"
_NO_SUCH_DATABASE: Final = "3D000"
_NO_SUCH_TABLE: Final = "42P01"
_AWAY_STATES: Final = frozenset({"57P01", "57P02", "57P03", "53300", "55P03", "57014"})
_LOCK_NOT_AVAILABLE: Final = "55P03"


def is_database_away(error: BaseException) -> bool:
    """Say whether this error means that the database cannot be reached or has hung up.

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


def refuses_connection(error: BaseException) -> bool:
    """Say whether the server knows no such user, password or database."""
    state = _state_of(error)
    return state.startswith(_AUTHORIZATION_CLASS) or state == _NO_SUCH_DATABASE


def lacks_table(error: BaseException) -> bool:
    """Say whether a table is missing: the schema was never made, or is an older one."""
    return _state_of(error) == _NO_SUCH_TABLE


def _says_away(error: BaseException) -> bool:
    state = _state_of(error)
    return state.startswith(_CONNECTION_CLASS) or state in _AWAY_STATES


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
