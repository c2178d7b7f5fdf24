"""The states of endpoints and deliveries, the words for them, and how many endpoints there may be."""

from enum import StrEnum
from typing import Final

TEST_EVENT: Final = "webhook.test"
# Of one account.
MAX_ENDPOINTS: Final = 16


class EndpointStatus(StrEnum):
    """Whether an endpoint is told of events."""

    ENABLED = "enabled"
    DISABLED = "disabled"


class DisabledReason(StrEnum):
    """Why an endpoint is told no more: its owner's wish, its answer 410, or days of failures."""

    REQUESTED = "requested"
    GONE = "gone"
    FAILING = "failing"


class DeliveryStatus(StrEnum):
    """What became of a delivery; a pending one is sent, or sent again, at its time."""

    PENDING = "pending"
    DELIVERED = "delivered"
    FAILED = "failed"
