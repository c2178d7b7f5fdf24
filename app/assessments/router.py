"""Assessments: asking for one, and reading what came of it."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from app.accounts import access_codes
from app.accounts.authentication import Caller
from app.accounts.errors import AccessCodeNotFound
from app.accounts.listed_account import ListedAccount
from app.accounts.rules.throttles import bad_codes_of
from app.assessments import idempotent_create, listing, service
from app.assessments.claims import Subject
from app.assessments.errors import AssessmentFault, NoAssessmentsFound
from app.assessments.list_parameters import OnlyAssessments
from app.assessments.payer import Payer
from app.assessments.questions import askable_for, refuse_unanswerable
from app.assessments.receipt_schemas import AssessmentIdInPath
from app.assessments.receipts import ABSENT
from app.assessments.request_schemas import (
    AssessmentQuestion,
    CheckAssessmentListRequest,
    CreateAssessmentForAccessCodeRequest,
    CreateAssessmentRequest,
)
from app.assessments.responses import assessment_response
from app.assessments.schemas import (
    AssessmentPage,
    AssessmentResponse,
    CreatedAssessmentResponse,
)
from app.assessments.service import CreateResult
from app.assessments.views import ASKED, AssessmentView, assessment_in
from app.runtime.errors import NotFound
from app.runtime.paging import read_cursor
from app.runtime.security import ASSESSMENT_ID_PATTERN
from app.web import idempotency, links
from app.web.dependencies import (
    THROTTLE_INVALID_CODES,
    CallerDep,
    ReadConnection,
    ResourcesDep,
    actor_of,
    identify,
    resources_of,
)
from app.web.errors import responses
from app.web.idempotency import KeyHeader
from app.web.openapi import takes_credentials
from app.web.paging import CursorParameter, LimitParameter
from app.web.request_body import ListRoute, StrictRoute

router, _lists = (
    APIRouter(
        prefix="/api",
        tags=["assessments"],
        route_class=route,
        responses=responses(400, 403, 429, 500, 503),
    )
    for route in (StrictRoute, ListRoute)
)
_TAKES_BODY = responses(408, 413, 415)


def _created(made: CreateResult, now: datetime) -> CreatedAssessmentResponse:
    age = now - made.assessment.created_at
    return CreatedAssessmentResponse(
        **dict(assessment_response(made.assessment)),
        charged=made.charged,
        age_seconds=0 if made.charged else max(0, int(age.total_seconds())),
        credits_available=made.credits_available,
    )


def subject_of(question: AssessmentQuestion) -> Subject:
    """Return what a question is about."""
    return Subject(
        question.assessment_type,
        question.address,
        question.currency,
        question.tx_hash,
        question.as_of,
        labels=question.labels,
    )


@takes_credentials
async def _asker(request: Request) -> Caller:
    caller, _ = await identify(request)
    idempotency.refuse_two(request)
    return caller


Asker = Annotated[Caller, Depends(_asker)]


async def _create(
    request: Request,
    caller: Caller,
    sent: str | None,
    *,
    question: AssessmentQuestion,
    pick_account: Payer,
) -> CreatedAssessmentResponse | Response:
    resources = resources_of(request)
    key = await idempotency.bound_to_body(request, caller, sent)
    subject = subject_of(question)
    askable = await askable_for([subject], resources.ensemble, resources.lists, resources.clock)
    refuse_unanswerable(subject, resources.ensemble, askable)
    actor, clock = actor_of(request, caller), resources.clock
    window = resources.settings.assessments.repeat_free_within
    free_within = None if question.fresh else window
    try:
        if key is None:
            made = await service.create(
                resources.assessments,
                pick_account=pick_account,
                subject=subject,
                actor=actor,
                free_within=free_within,
            )
            return _created(made, clock.now())
        kept = await idempotent_create.create_once(
            resources.assessments,
            key=key,
            write=lambda made: idempotency.as_json(_created(made, clock.now())),
            pick_account=pick_account,
            subject=subject,
            actor=actor,
            free_within=free_within,
        )
    except AssessmentFault:
        resources.metrics.refunds.inc()
        raise
    return idempotency.respond(kept)


@router.post(
    "/create_new_assessment_for_access_code",
    status_code=201,
    summary="Create an assessment, paid by an access code",
    response_model=CreatedAssessmentResponse,
    response_description="The assessment, with its answer if the provider was quick",
    responses=_TAKES_BODY | responses(402) | idempotency.documented(links.ASSESSMENT),
)
async def create_new_assessment_for_access_code(
    body: CreateAssessmentForAccessCodeRequest,
    caller: Asker,
    request: Request,
    sent: KeyHeader = None,
) -> CreatedAssessmentResponse | Response:
    """Spend a credit of an access code that is the caller's own or that it issued."""
    resources = resources_of(request)
    pick_account = service.from_access_code(caller, body.access_code, resources.clock.now())
    try:
        return await _create(request, caller, sent, question=body, pick_account=pick_account)
    except AccessCodeNotFound:
        await resources.throttles.count(bad_codes_of(caller.account_id))
        raise


@router.post(
    "/create_new_assessment",
    status_code=201,
    summary="Create an assessment, paid by the caller",
    response_model=CreatedAssessmentResponse,
    response_description="The assessment, with its answer if the provider was quick",
    responses=_TAKES_BODY | responses(402) | idempotency.documented(links.ASSESSMENT),
)
async def create_new_assessment(
    body: CreateAssessmentRequest,
    caller: Asker,
    request: Request,
    sent: KeyHeader = None,
) -> CreatedAssessmentResponse | Response:
    """Spend one of the caller's own credits."""
    pick_account = service.from_own_account(caller)
    return await _create(request, caller, sent, question=body, pick_account=pick_account)


@_lists.post(
    "/check_assessment_list_for_access_code",
    summary="Check assessments of an access code",
    response_description="Those that were found, in the order first named",
    dependencies=[THROTTLE_INVALID_CODES, idempotency.NO_KEY_FOR_READS],
    responses=_TAKES_BODY | idempotency.refused(404),
)
async def check_assessment_list_for_access_code(
    body: CheckAssessmentListRequest,
    caller: CallerDep,
    connection: ReadConnection,
    resources: ResourcesDep,
) -> list[AssessmentResponse]:
    """Read assessments of an access code; ids that are unknown or not its own are left out."""
    code = await access_codes.facts(
        connection, caller=caller, access_code=body.access_code, now=resources.clock.now()
    )
    found = await service.list_for_account(connection, code.account_id, body.assessment_id_list)
    if not found:
        raise NoAssessmentsFound
    return [assessment_response(assessment) for assessment in found]


router.routes.extend(_lists.routes)


@takes_credentials
async def _assessment_in_path(
    assessment_id: AssessmentIdInPath, request: Request
) -> AssessmentView:
    asked = assessment_id if ASSESSMENT_ID_PATTERN.fullmatch(assessment_id) else None
    _, row = await identify(request, ASKED, assessment_id=asked)
    assessment = assessment_in(row)
    if assessment is None:
        raise NotFound(ABSENT)
    return assessment


@router.get(
    "/assessments/{assessment_id}",
    summary="Get an assessment",
    response_description="The assessment, with its answer once it is ready",
    responses=responses(404),
)
async def get_assessment(
    assessment: Annotated[AssessmentView, Depends(_assessment_in_path)],
) -> AssessmentResponse:
    """Read an assessment of one's own, or of an access code that one issued."""
    return assessment_response(assessment)


@router.get(
    "/assessments",
    summary="List assessments",
    response_description="Assessments, newest first",
    dependencies=[THROTTLE_INVALID_CODES],
)
async def list_assessments(
    account_id: ListedAccount,
    connection: ReadConnection,
    only: OnlyAssessments,
    cursor: CursorParameter = None,
    limit: LimitParameter = 20,
) -> AssessmentPage:
    """List what the caller's own credits paid for, or those of an access code that it issued."""
    page = await listing.list_own(
        connection,
        account_id,
        cursor=read_cursor(cursor) if cursor is not None else None,
        limit=limit,
        only=only,
    )
    return AssessmentPage(
        items=[assessment_response(assessment) for assessment in page.items],
        next_cursor=page.next_cursor,
    )
