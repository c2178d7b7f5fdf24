"""When a delivery that failed is tried again, and when it is given up.

The pauses are those that Standard Webhooks recommends (specification, "Deliverability and
reliability"), with daily attempts up to three days after the first.
"""

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Final

_PAUSES: Final = (
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=10),
)
_DAY: Final = timedelta(days=1)
# No attempt is planned later after the first; an endpoint that fails for so long is disabled.
GIVEN_UP_AFTER: Final = timedelta(days=3)
# A pause grows by up to this share of itself, so that what failed together does not return together.
JITTER: Final = 0.1
_MAX_DIGITS: Final = 9


def next_attempt_at(
    *,
    first_attempt_at: datetime,
    attempts: int,
    now: datetime,
    retry_after: str,
    chance: float,
) -> datetime | None:
    """Return when a delivery is tried again after its failed attempt number `attempts`, from 1.

    None: it is given up. `retry_after` is that header of the answer: a longer pause than ours is
    kept to, for a day at most. `chance`, from 0 to 1, is how much of the jitter is added.
    """
    last = first_attempt_at + GIVEN_UP_AFTER
    if now >= last:
        return None
    pause = _PAUSES[attempts - 1] if attempts <= len(_PAUSES) else _DAY
    wished = read_retry_after(retry_after, now)
    planned = now + max(pause, min(wished, _DAY)) * (1 + JITTER * chance)
    return min(planned, last)


def read_retry_after(text: str, now: datetime) -> timedelta:
    """Return the pause that a `Retry-After` asks for (RFC 9110, section 10.2.3); 0 for any other text."""
    text = text.strip()
    if text.isascii() and text.isdigit():
        return timedelta(seconds=int(text[:_MAX_DIGITS]))
    try:
        at = parsedate_to_datetime(text)
    except ValueError:
        return timedelta(0)
    if at.tzinfo is None:
        at = at.replace(tzinfo=UTC)
    return max(at - now, timedelta(0))
