from enum import StrEnum


class AssessmentType(StrEnum):
    ASSESSMENT_TYPE_ADDRESS = "address"
    ASSESSMENT_TYPE_TRANSACTION = "transaction"

    def __str__(self) -> str:
        return str(self.value)
