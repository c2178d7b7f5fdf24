from enum import StrEnum


class DisabledReason(StrEnum):
    DISABLED_REASON_FAILING = "failing"
    DISABLED_REASON_GONE = "gone"
    DISABLED_REASON_REQUESTED = "requested"

    def __str__(self) -> str:
        return str(self.value)
