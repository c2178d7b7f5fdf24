"""Many assessments in one request."""

from datetime import timedelta

from fastapi import APIRouter, Request

from app.assessments import batch as batches
from app.assessments import service
from app.assessments.batch import Batch
from app.assessments.claims import Subject
from app.assessments.providers.ensemble import ProviderEnsemble
from app.assessments.request_schemas import AssessmentQuestion, CreateAssessmentsRequest, Malformed
from app.assessments.router import Askable, askable_for, assessment_response, subject_of
from app.assessments.schemas import (
    AssessmentOutcome,
    AssessmentQuestionFault,
    NewAssessmentsResponse,
)
from app.runtime.errors import AppError
from app.web.dependencies import THROTTLE_INVALID_CODES, CallerDep, ResourcesDep, actor_of
from app.web.error_handlers import first_fault
from app.web.errors import responses
from app.web.request_body import ListRoute

router = APIRouter(
    prefix="/api",
    tags=["assessments"],
    route_class=ListRoute,
    responses=responses(400, 402, 403, 408, 413, 415, 429, 500, 503),
)


@router.post(
    "/create_new_assessments_for_access_code",
    status_code=201,
    summary="Create many assessments, paid by an access code",
    response_description="What came of each question, in their order",
    dependencies=[THROTTLE_INVALID_CODES],
)
async def create_new_assessments_for_access_code(
    body: CreateAssessmentsRequest, caller: CallerDep, request: Request, resources: ResourcesDep
) -> NewAssessmentsResponse:
    """Spend credits of an access code on many questions: for all that are new, or for none.

    A malformed question costs nothing and does not spoil the others. What is still pending after 8
    seconds is finished in the background.
    """
    askable = await askable_for(body.questions, resources)
    judged = [_judge(question, resources.panel, askable) for question in body.questions]
    fresh = {
        one
        for one, question in zip(judged, body.questions, strict=True)
        if isinstance(one, Subject) and question.fresh
    }
    batch = await batches.create_many(
        resources.database,
        resources.panel,
        resources.clock,
        pick_account=service.from_access_code(caller, body.access_code, resources.clock.now()),
        subjects=[one for one in judged if isinstance(one, Subject)],
        fresh=fresh,
        actor=actor_of(request, caller),
        free_within=timedelta(seconds=resources.settings.repeat_free_seconds),
    )
    resources.metrics.refunds.inc(batch.refunded)
    return _response(judged, batch)


def _judge(
    question: AssessmentQuestion | Malformed, panel: ProviderEnsemble, askable: Askable
) -> Subject | AppError:
    if isinstance(question, Malformed):
        return first_fault(question.errors)
    try:
        return subject_of(question, panel, askable)
    except AppError as fault:
        return fault


def _response(judged: list[Subject | AppError], batch: Batch) -> NewAssessmentsResponse:
    made = iter(zip(batch.assessments, batch.charged, strict=True))
    outcomes = []
    for one in judged:
        if isinstance(one, AppError):
            fault = AssessmentQuestionFault(detail=one.detail, code=one.code)
            outcomes.append(AssessmentOutcome(assessment=None, charged=False, error=fault))
        else:
            view, charged = next(made)
            outcomes.append(
                AssessmentOutcome(assessment=assessment_response(view), charged=charged, error=None)
            )
    return NewAssessmentsResponse(
        outcomes=outcomes,
        credits_charged=batch.charged.count(True) - batch.refunded,
        credits_available=batch.credits_available,
    )
