"""The errors of assessments."""

from datetime import UTC, datetime

from app.runtime.errors import AppError


class NoAssessmentsFound(AppError):
    """None of the assessment ids belongs to the access code."""

    code = "no_assessments_found"
    status = 404

    def __init__(self) -> None:
        super().__init__("No assessments found")


class AssessmentNotReady(AppError):
    """There is no receipt or report of an assessment that has no answer."""

    code = "assessment_not_ready"
    status = 409

    def __init__(self, assessment_status: str) -> None:
        super().__init__(f"The assessment is {assessment_status} and has no answer")


class AssessmentListFault(AppError):
    """The assessments of an access code could not be read."""

    code = "KY53D"
    status = 500

    def __init__(self, now: datetime) -> None:
        super().__init__(
            "Failure to fetch user data. Please contact support with error code KY53D and the "
            f"current time: {now.astimezone(UTC):%Y-%m-%d %H:%M:%S}."
        )


class AssessmentFault(AppError):
    """An assessment could not be made; what was debited is refunded."""

    code = "4J9Y1"
    status = 500

    def __init__(self, description: str = "internal fault") -> None:
        super().__init__(
            "Failure to create new assessment. Please contact support with error code 4J9Y1. "
            f"Error: {description}"
        )
