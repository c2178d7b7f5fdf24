"""Assessments as a file."""

from typing import Final

from fastapi import APIRouter, Request, Response
from pydantic import Field

from app.accounts.listed_account import ListedAccount
from app.assessments import listing
from app.assessments.list_parameters import OnlyAssessments
from app.assessments.responses import assessment_response
from app.assessments.rules.questions import AssessmentStatus
from app.assessments.schemas import AssessmentResponse
from app.assessments.views import AssessmentView
from app.runtime.paging import Page, read_cursor
from app.web import exports
from app.web.dependencies import THROTTLE_INVALID_CODES, ReadConnection, ResourcesDep
from app.web.errors import responses
from app.web.exports import ExportFormat, FormatParameter
from app.web.request_body import StrictRoute

router = APIRouter(
    prefix="/api",
    tags=["assessments"],
    route_class=StrictRoute,
    responses=responses(400, 403, 429, 500, 503),
)


class ExportedAssessment(AssessmentResponse):
    """An assessment as the API shows it, and what it cost."""

    credits_charged: int = Field(description="1; of one that failed it was refunded: 0")


COLUMNS: Final = exports.columns_of(
    *("assessment_id", "status", "created_at", "updated_at", "assessment_type", "address"),
    *("currency", "tx_hash", "as_of", "provider", "answer.risk_score", "answer.grade"),
    *("answer.address_form", "summary", "failure_reason", "credits_charged", "client_reference"),
    "metadata",
)


@router.get(
    "/assessments/export",
    summary="Export assessments as a file",
    response_class=Response,
    response_description="All assessments that the filters let through, newest first",
    dependencies=[THROTTLE_INVALID_CODES],
    responses=exports.documented(
        "an assessment as the list shows it, and `credits_charged`, what it cost", COLUMNS
    ),
)
async def export_assessments(
    *,
    request: Request,
    account_id: ListedAccount,
    connection: ReadConnection,
    resources: ResourcesDep,
    only: OnlyAssessments,
    form: FormatParameter = ExportFormat.CSV,
) -> Response:
    """Write all that `GET /api/assessments` lists with the same filters, with what each cost.

    A text that a spreadsheet would read as a formula has an apostrophe before it in CSV; numbers
    have none. A file that could not be finished ends without the end of its transfer.
    """

    async def read(connection: ReadConnection, cursor: str | None) -> Page[ExportedAssessment]:
        page = await listing.list_own(
            connection,
            account_id,
            cursor=None if cursor is None else read_cursor(cursor),
            limit=exports.PAGE_LENGTH,
            only=only,
        )
        return Page([_exported(one) for one in page.items], page.next_cursor)

    return await exports.respond(
        request,
        "assessments",
        form,
        COLUMNS,
        read,
        connection=connection,
        now=resources.clock.now(),
    )


def _exported(assessment: AssessmentView) -> ExportedAssessment:
    refunded = assessment.status is AssessmentStatus.FAILED
    return ExportedAssessment(
        **dict(assessment_response(assessment)), credits_charged=0 if refunded else 1
    )
