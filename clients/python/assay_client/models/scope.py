from enum import StrEnum


class Scope(StrEnum):
    SCOPE_ASSESSMENTS_READ = "assessments:read"
    SCOPE_ASSESSMENTS_WRITE = "assessments:write"
    SCOPE_CODES = "codes"
    SCOPE_KEYS = "keys"
    SCOPE_ORDERS_READ = "orders:read"
    SCOPE_ORDERS_WRITE = "orders:write"
    SCOPE_WEBHOOKS = "webhooks"

    def __str__(self) -> str:
        return str(self.value)
