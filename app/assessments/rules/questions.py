"""The words of an assessment: what may be asked, and how far the answer is."""

from datetime import date
from enum import StrEnum
from typing import Final

# The day of the first block of bitcoin: before it, no address was anybody's.
FIRST_DAY: Final = date(2009, 1, 3)
DAY_TEXT: Final = f"a day from {FIRST_DAY} to today in UTC, as in 2025-01-31"


class AssessmentType(StrEnum):
    """What is being assessed."""

    ADDRESS = "address"
    TRANSACTION = "transaction"


class AssessmentStatus(StrEnum):
    """How far an assessment is."""

    PENDING = "pending"
    READY = "ready"
    FAILED = "failed"
