"""What the reconciler needs of a payment rail: open a payment, look at it, say what was seen.

A rail knows its partner and its partner's limits. What follows from what it saw is decided and kept
elsewhere, in the same way for every rail.
"""

from dataclasses import dataclass
from typing import Final, Protocol, TypeVar

from app.orders.leases import PollTask
from app.orders.rules.facts import AeontoObservation, BitcoinObservation
from app.orders.rules.rails import Rail

# How long a loop waits for the right to send a request.
TURN_WITHIN_SECONDS: Final = 1.0


@dataclass(frozen=True)
class Failed:
    """Nothing was learned: try again after a pause between two spans of seconds.

    `alarm` is what the operator must hear.
    """

    why: str
    pause_seconds: tuple[float, float]
    alarm: str | None = None


class RailPermit(Protocol):
    """The right to send one request now."""

    async def give_back(self) -> None:
        """Return the right unused."""
        ...


PermitT = TypeVar("PermitT", bound=RailPermit)


class PaymentRail(Protocol[PermitT]):
    """One way of being paid. Nothing that a partner does wrong is raised.

    A rail whose payments a partner must open, after the order was placed, has `open` too
    (`app.orders.worker.aeonto_rail`). One in bitcoin is open as soon as it has an address.
    """

    @property
    def rail(self) -> Rail:
        """Which orders it carries."""
        ...

    async def poll_permit(self) -> PermitT | None:
        """Wait for the right to look at one order; None when it does not come soon."""
        ...

    async def poll(
        self, job: PollTask, permit: PermitT
    ) -> AeontoObservation | BitcoinObservation | Failed:
        """Look at the payment of an order. The permit is used up by it."""
        ...
