"""The words of an assessment: what may be asked, and how far the answer is."""

from enum import StrEnum


class AssessmentType(StrEnum):
    """What is being assessed."""

    ADDRESS = "address"
    TRANSACTION = "transaction"


class AssessmentStatus(StrEnum):
    """How far an assessment is."""

    PENDING = "pending"
    READY = "ready"
    FAILED = "failed"
