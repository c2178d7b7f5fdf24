from enum import StrEnum


class DeliveryStatus(StrEnum):
    DELIVERY_STATUS_DELIVERED = "delivered"
    DELIVERY_STATUS_FAILED = "failed"
    DELIVERY_STATUS_PENDING = "pending"

    def __str__(self) -> str:
        return str(self.value)
