from enum import StrEnum


class AssessmentStatus(StrEnum):
    ASSESSMENT_STATUS_FAILED = "failed"
    ASSESSMENT_STATUS_PENDING = "pending"
    ASSESSMENT_STATUS_READY = "ready"

    def __str__(self) -> str:
        return str(self.value)
