"""Many assessments in one request."""

from fastapi import APIRouter, Request, Response

from app.assessments import batch as batches
from app.assessments import idempotent_batch, service
from app.assessments.batch import Batch, QuestionFault, Questions
from app.assessments.claims import Subject
from app.assessments.providers.ensemble import ProviderEnsemble
from app.assessments.questions import Askable, askable_for, refuse_unanswerable
from app.assessments.request_schemas import AssessmentQuestion, CreateAssessmentsRequest, Malformed
from app.assessments.responses import assessment_response
from app.assessments.router import subject_of
from app.assessments.schemas import (
    AssessmentOutcome,
    AssessmentQuestionFault,
    CreatedAssessmentsResponse,
)
from app.assessments.views import AssessmentView
from app.runtime.errors import AppError
from app.web import idempotency
from app.web.dependencies import THROTTLE_INVALID_CODES, CallerDep, ResourcesDep, actor_of
from app.web.error_handlers import first_fault
from app.web.errors import responses
from app.web.idempotency import BodyKey
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
    response_model=CreatedAssessmentsResponse,
    response_description="What came of each question, in their order",
    dependencies=[THROTTLE_INVALID_CODES],
    responses=idempotency.documented(),
)
async def create_new_assessments_for_access_code(
    body: CreateAssessmentsRequest,
    caller: CallerDep,
    request: Request,
    resources: ResourcesDep,
    key: BodyKey,
) -> CreatedAssessmentsResponse | Response:
    """Spend credits of an access code on many questions: for all that are new, or for none.

    A malformed question costs nothing and does not spoil the others. What is still pending after 8
    seconds is finished in the background.
    """
    subjects = [subject_of(one) for one in body.questions if isinstance(one, AssessmentQuestion)]
    askable = await askable_for(subjects, resources.ensemble, resources.lists, resources.clock)
    asked = [_judge(question, resources.ensemble, askable) for question in body.questions]
    fresh = {
        one
        for one, question in zip(asked, body.questions, strict=True)
        if isinstance(one, Subject) and question.fresh
    }
    window = resources.settings.assessments.repeat_free_within
    questions = Questions(asked, fresh, actor_of(request, caller), window)
    pick_account = service.from_access_code(caller, body.access_code, resources.clock.now())
    if key is None:
        batch = await batches.create_many(
            resources.assessments, pick_account=pick_account, questions=questions
        )
        resources.metrics.refunds.inc(batch.refunded)
        return _response(batch)
    kept, refunded = await idempotent_batch.create_many_once(
        resources.assessments,
        key=key,
        write=lambda batch: idempotency.as_json(_response(batch)),
        pick_account=pick_account,
        questions=questions,
    )
    resources.metrics.refunds.inc(refunded)
    return idempotency.respond(kept)


def _judge(
    question: AssessmentQuestion | Malformed, ensemble: ProviderEnsemble, askable: Askable
) -> Subject | QuestionFault:
    try:
        if isinstance(question, Malformed):
            raise first_fault(question.errors)
        subject = subject_of(question)
        refuse_unanswerable(subject, ensemble, askable)
    except AppError as fault:
        return QuestionFault(fault.detail, fault.code)
    return subject


def _response(batch: Batch) -> CreatedAssessmentsResponse:
    return CreatedAssessmentsResponse(
        outcomes=[
            _outcome(one, charged)
            for one, charged in zip(batch.outcomes, batch.charged, strict=True)
        ],
        credits_charged=batch.charged.count(True) - batch.refunded,
        credits_available=batch.credits_available,
    )


def _outcome(one: AssessmentView | QuestionFault, charged: bool) -> AssessmentOutcome:
    if isinstance(one, QuestionFault):
        fault = AssessmentQuestionFault(detail=one.detail, code=one.code)
        return AssessmentOutcome(assessment=None, charged=False, error=fault)
    return AssessmentOutcome(assessment=assessment_response(one), charged=charged, error=None)
