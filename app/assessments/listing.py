"""The assessments of an account, page by page, filtered; each filter has an index in their order."""

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from app.assessments.models import Assessment
from app.assessments.rules.questions import AssessmentStatus
from app.assessments.views import COLUMNS, AssessmentView, view_of
from app.runtime.paging import ALL_TIME, Cursor, Page, TimeRange, page_of


@dataclass(frozen=True)
class AssessmentFilter:
    """Which assessments a list shows; None: any."""

    status: AssessmentStatus | None = None
    client_reference: str | None = None
    created: TimeRange = ALL_TIME


async def list_own(
    connection: AsyncConnection,
    account_id: str,
    *,
    cursor: Cursor | None,
    limit: int,
    only: AssessmentFilter = AssessmentFilter(),
) -> Page[AssessmentView]:
    """Return an account's assessments, newest first."""
    query = select(*COLUMNS).where(Assessment.account_id == account_id)
    if only.status is not None:
        query = query.where(Assessment.status == only.status)
    if only.client_reference is not None:
        query = query.where(Assessment.client_reference == only.client_reference)
    return await page_of(
        connection,
        query,
        order=(Assessment.created_at, Assessment.id),
        cursor=cursor,
        limit=limit,
        read=lambda row: view_of(row._mapping),
        position=lambda assessment: (assessment.created_at, assessment.id),
        within=only.created,
    )
