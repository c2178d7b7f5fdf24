"""How a loop of orders learns that one may be due: the processes tell each other by its name."""

from typing import Final

from app.orders.rules.rails import Rail
from app.runtime.clock import Clock
from app.runtime.db.notifications import Notifications
from app.runtime.loops.waking import Waking

CREATIONS: Final = "order_creations"
LOOKS: Final = {Rail.AEONTO: "order_looks", Rail.BITCOIN: "bitcoin_looks"}
# What a new order waits for: to be created at AEON.to, or for the first look at its address.
_FIRST: Final = {Rail.AEONTO: CREATIONS, Rail.BITCOIN: LOOKS[Rail.BITCOIN]}
_CHANNEL: Final = "assay_orders_due"


def waking(loop: str, notifications: Notifications, clock: Clock) -> Waking:
    """Return what wakes the loop of this name."""
    return Waking(notifications, _CHANNEL, loop, clock)


def tell_of_new_order(notifications: Notifications, rail: Rail) -> None:
    """Tell the loop that has the first thing to do for an order that was placed."""
    notifications.notify(_CHANNEL, _FIRST[rail])


def tell_of_hastened_orders(notifications: Notifications) -> None:
    """Tell the loops that look at orders that some are due sooner than they were."""
    for loop in LOOKS.values():
        notifications.notify(_CHANNEL, loop)
