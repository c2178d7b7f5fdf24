"""The query parameters by which the list of assessments, and what is exported, is filtered."""

from typing import Annotated

from fastapi import Depends, Query
from pydantic.json_schema import SkipJsonSchema

from app.assessments.listing import AssessmentFilter
from app.assessments.rules.questions import AssessmentStatus
from app.web.fields import Allowed
from app.web.list_parameters import CreatedRange, ReferenceParameter


async def _assessment_filter(
    created: CreatedRange,
    status: Annotated[
        Annotated[AssessmentStatus, Allowed(f"one of: {', '.join(AssessmentStatus)}")]
        | SkipJsonSchema[None],
        Query(description="Only assessments in this status", examples=["ready"]),
    ] = None,
    client_reference: ReferenceParameter = None,
) -> AssessmentFilter:
    return AssessmentFilter(status, client_reference, created)


OnlyAssessments = Annotated[AssessmentFilter, Depends(_assessment_filter)]
