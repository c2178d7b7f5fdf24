"""What becomes of an order: the one record that every store saves."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any

from app.orders.rules.facts import Failures, OrderFacts, Sighting
from app.orders.rules.poll_schedule import NextPoll, next_poll
from app.orders.rules.settlement import Verified
from app.orders.rules.states import OrderStatus
from app.partners.esplora.outputs import OutputId

Columns = Mapping[str, Any]


class OrderFailureReason(StrEnum):
    """Why an order failed for good, in words that its buyer may read."""

    REFUSED = "AEON.to refused the amount of this order"
    DEADLINE = "AEON.to did not accept this order in time"
    CLOSED = "closed by an operator"


@dataclass(frozen=True)
class Grant:
    """Credits that are due with a move; `price_btc`: what one cost, where money was counted here."""

    credits: int
    price_btc: Decimal | None = None


@dataclass(frozen=True, kw_only=True)
class Transition:
    """All that follows from an observation of an order, or from a decision about it.

    `move_to` is the new status, if any, `reason` why. `grant` is due with the move, `failure_reason`
    goes with FAILED. `settlement`: one of its outputs must be taken for this order first.
    `reported` is the observed state and `evidence` what was observed, as JSON: they stand in the
    event of the move, of the refusal (`refused`) and of the alarm (`alarm`). `sighting` and
    `failures` are remembered. `payment` has the columns of the payment that change, `outputs` those
    of each output. `next_poll` is when to look next, None for never; `keeps_lease`: whoever works on
    the order goes on. `unseen_for` is the time since the last look, where the status changed.
    """

    reported: str
    next_poll: NextPoll | None
    move_to: OrderStatus | None = None
    reason: str = "reported"
    evidence: dict[str, Any] | None = None
    grant: Grant | None = None
    failure_reason: OrderFailureReason | None = None
    settlement: Verified | None = None
    refused: str | None = None
    alarm: str | None = None
    sighting: Sighting | None = None
    failures: Failures | None = None
    payment: Columns = field(default_factory=dict)
    outputs: Mapping[OutputId, Columns] = field(default_factory=dict)
    unseen_for: timedelta | None = None
    keeps_lease: bool = False


def poll_after(
    order: OrderFacts,
    move_to: OrderStatus | None,
    now: datetime,
    *,
    expires_at: datetime | None = None,
    unsettled: bool = False,
) -> NextPoll | None:
    """Return when to look at an order again that moves now, or stays (`move_to` None)."""
    return next_poll(
        move_to or order.status,
        rail=order.rail,
        since=now if move_to else order.status_since,
        expires_at=expires_at,
        unsettled=unsettled,
        now=now,
    )
