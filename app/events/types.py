"""The types of events, and what tells that there is one."""

from enum import StrEnum
from typing import Final

# Of notifications: the key is an account, whose stream has gone on.
CHANNEL: Final = "assay_account_events"


class EventType(StrEnum):
    """What happened. `data` of an event is what the API shows of the thing that it is about."""

    ORDER_UPDATED = "order.updated"
    ORDER_CREDITED = "order.credited"
    CREDITS_MOVED = "credits.moved"
    ASSESSMENT_READY = "assessment.ready"
    ASSESSMENT_FAILED = "assessment.failed"
    ASSESSMENT_CHANGED = "assessment.changed"
    ACCESS_CODE_UPDATED = "access_code.updated"
    KEY_CREATED = "key.created"
    KEY_REVOKED = "key.revoked"
