from enum import StrEnum


class EndpointStatus(StrEnum):
    ENDPOINT_STATUS_DISABLED = "disabled"
    ENDPOINT_STATUS_ENABLED = "enabled"

    def __str__(self) -> str:
        return str(self.value)
