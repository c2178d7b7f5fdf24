from enum import StrEnum


class Activity(StrEnum):
    ACTIVITY_ACTIVE = "Active"
    ACTIVITY_INACTIVE = "Inactive"

    def __str__(self) -> str:
        return str(self.value)
