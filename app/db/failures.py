"""Tells a database that is away from a statement that is wrong, and which rule refused it."""

from typing import Final

from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.exc import TimeoutError as PoolTimeout

# PostgreSQL, appendix A: class 08 is the connection, 57P01 to 57P03 a server that goes down or
# comes up, 53300 too many connections.
_CONNECTION_CLASS: Final = "08"
_AWAY_STATES: Final = frozenset({"57P01", "57P02", "57P03", "53300"})


def is_database_away(error: BaseException) -> bool:
    """Say whether this error means that the database cannot be reached or has hung up.

    A connection attempt that fails surfaces as a bare OSError; one without a file name came from
    a socket and not from a file.
    """
    if isinstance(error, PoolTimeout):
        return True
    if isinstance(error, DBAPIError):
        return error.connection_invalidated or _says_away(error.orig)
    if isinstance(error, OSError):
        return error.filename is None
    return _says_away(error)


def _says_away(error: BaseException | None) -> bool:
    state = getattr(error, "sqlstate", None)
    return isinstance(state, str) and (state.startswith(_CONNECTION_CLASS) or state in _AWAY_STATES)


def violated_constraint(error: IntegrityError) -> str | None:
    """Return the name of the constraint that refused a statement."""
    driver_error = getattr(error.orig, "__cause__", None)
    name = getattr(driver_error, "constraint_name", None)
    return name if isinstance(name, str) else None
