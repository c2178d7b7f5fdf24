"""What an assessment looks like in an answer."""

from app.assessments.rules.summaries import headline, stored_summary
from app.assessments.schemas import AnswerResponse, AssessmentResponse, ChangeResponse
from app.assessments.views import AssessmentView
from app.web.labels import shown


def assessment_response(assessment: AssessmentView) -> AssessmentResponse:
    """Return the answer that shows an assessment."""
    answer = assessment.answer
    return AssessmentResponse(
        assessment_id=assessment.id,
        status=assessment.status,
        created_at=assessment.created_at,
        updated_at=assessment.updated_at,
        assessment_type=assessment.assessment_type,
        address=assessment.address,
        currency=assessment.currency,
        tx_hash=assessment.tx_hash,
        as_of=assessment.as_of,
        provider=assessment.provider,
        summary=headline(
            status=assessment.status,
            summary=_summary(assessment),
            failure_reason=assessment.failure_reason,
            changes=assessment.changes,
        ),
        answer=AnswerResponse.model_validate(answer) if answer is not None else None,
        failure_reason=assessment.failure_reason,
        client_reference=assessment.client_reference,
        metadata=shown(assessment.metadata),
        changes=[ChangeResponse.model_validate(change) for change in assessment.changes],
    )


def _summary(assessment: AssessmentView) -> str | None:
    """Return the headline of the answer, if there is one; made now, if an earlier version did not."""
    if assessment.answer is None:
        return None
    return stored_summary(
        assessment.answer,
        provider=assessment.provider,
        assessment_type=assessment.assessment_type,
        as_of=assessment.as_of,
    )
