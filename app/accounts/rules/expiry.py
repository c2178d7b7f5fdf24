"""Times at which a key, a code or a session ends."""

from datetime import datetime

from app.runtime.errors import InvalidParameter


def is_past(expires_at: datetime | None, now: datetime) -> bool:
    """Say whether something that expires then, or never, has expired."""
    return expires_at is not None and expires_at <= now


def require_future(expires_at: datetime | None, now: datetime) -> None:
    """Refuse an expiry that has passed. Raises InvalidParameter."""
    if is_past(expires_at, now):
        raise InvalidParameter("expires_at", "a time in the future")
