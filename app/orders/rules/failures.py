"""When a request about an order that failed rings: not at once, for a partner may slip once."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from app.orders.rules.reports import SIGHTINGS_NEEDED, SIGHTINGS_SPAN

# Work on the order itself went wrong, be it once: no partner's slip.
ORDER_SET_ASIDE: Final = "order_set_aside"


@dataclass(frozen=True)
class Failures:
    """Requests about one order that failed in a way that needs a person, with no answer between."""

    count: int
    since: datetime

    def lasts(self, now: datetime) -> bool:
        """Say whether they were often enough, over long enough, to ring."""
        return self.count >= SIGHTINGS_NEEDED and now - self.since >= SIGHTINGS_SPAN


def after_failure(
    failures: Failures | None, alarm: str | None, now: datetime
) -> tuple[Failures | None, str | None]:
    """Return the failures with this one, and the alarm if it is to ring now.

    `alarm` is what this failure calls for; one that calls for none neither counts nor ends a row.
    """
    if alarm is None or alarm == ORDER_SET_ASIDE:
        return failures, alarm
    failures = replace(failures, count=failures.count + 1) if failures else Failures(1, now)
    return failures, alarm if failures.lasts(now) else None
