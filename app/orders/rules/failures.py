"""What a request about an order that failed does to it: the next try, and an alarm if failures last.

No alarm at once, for a partner may slip once.
"""

from dataclasses import replace
from datetime import datetime
from typing import Final

from app.orders.rules.facts import Failures, OrderFacts, RequestFailed
from app.orders.rules.poll_schedule import poll_after_failure
from app.orders.rules.transition import Transition

# Work on the order itself went wrong, be it once: no partner's slip.
ORDER_SET_ASIDE: Final = "order_set_aside"


def transition(order: OrderFacts, failed: RequestFailed, now: datetime) -> Transition:
    """Say when to try again, and which alarm is due."""
    failures, alarm = after_failure(order.failures, failed.alarm, now)
    return Transition(
        reported=order.status,
        alarm=alarm,
        evidence={"failure": failed.why} if failed.why is not None else None,
        sighting=order.sighting,
        failures=failures,
        next_poll=poll_after_failure(
            order.status,
            rail=order.rail,
            since=order.status_since,
            pause=failed.pause,
            creating=failed.creating,
            now=now,
        ),
    )


def after_failure(
    failures: Failures | None, alarm: str | None, now: datetime
) -> tuple[Failures | None, str | None]:
    """Return the failures with this one, and the alarm if it is due now.

    `alarm` is what this failure calls for; one that calls for none neither counts nor ends a row.
    """
    if alarm is None or alarm == ORDER_SET_ASIDE:
        return failures, alarm
    failures = replace(failures, count=failures.count + 1) if failures else Failures(1, now)
    return failures, alarm if failures.lasts(now) else None
