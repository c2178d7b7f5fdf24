"""Leases: who may work on a row, and until when, on the database's clock alone.

The clocks of replicas differ; one that is ahead must not take what another still works on.
"""

from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, func, or_
from sqlalchemy.orm import InstrumentedAttribute


def is_free(lease_until: InstrumentedAttribute[datetime | None]) -> ColumnElement[bool]:
    """Say whether nobody holds the row, or whoever held it is over time."""
    return or_(lease_until.is_(None), lease_until < func.clock_timestamp())


def lasting(lease: timedelta) -> ColumnElement[datetime]:
    """Return the moment at which a lease that begins now ends."""
    return func.clock_timestamp() + lease
