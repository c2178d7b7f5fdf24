"""Which events an API key may read: those of the things that its scopes let it read."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from app.accounts.errors import MissingScope
from app.accounts.rules.key_limits import KeyLimits, Scope
from app.events.types import EventType

READABLE_BY: Final[Mapping[EventType, Scope]] = MappingProxyType(
    {
        EventType.ORDER_UPDATED: Scope.ORDERS_READ,
        EventType.ORDER_CREDITED: Scope.ORDERS_READ,
        EventType.CREDITS_MOVED: Scope.ORDERS_READ,
        EventType.ASSESSMENT_READY: Scope.ASSESSMENTS_READ,
        EventType.ASSESSMENT_FAILED: Scope.ASSESSMENTS_READ,
        EventType.ASSESSMENT_CHANGED: Scope.ASSESSMENTS_READ,
        EventType.ACCESS_CODE_UPDATED: Scope.CODES,
        EventType.KEY_CREATED: Scope.KEYS,
        EventType.KEY_REVOKED: Scope.KEYS,
    }
)


def readable_types(limits: KeyLimits) -> frozenset[EventType]:
    """Return the types of events that a key may read. Raises MissingScope where there is none."""
    types = frozenset(told for told, scope in READABLE_BY.items() if limits.has(scope))
    if not types:
        raise MissingScope(Scope.ORDERS_READ)
    return types
