"""Publishing changes of an assessment to the stream of its account: as the API shows it then."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.assessments.claims import LeasedAssessment
from app.assessments.models import Assessment
from app.assessments.responses import assessment_response
from app.assessments.rules.questions import AssessmentStatus
from app.assessments.views import COLUMNS, AssessmentView, view_of
from app.events.append import NewEvent, append
from app.events.types import EventType


def answered_view(
    reserved: LeasedAssessment, answer: dict[str, Any], now: datetime
) -> AssessmentView:
    """Return how an assessment looks whose answer is kept now."""
    return _view(reserved, AssessmentStatus.READY, now, answer=answer)


def ready_event(reserved: LeasedAssessment, view: AssessmentView, now: datetime) -> NewEvent:
    """Return the event of an answer that is being kept."""
    return _event(
        EventType.ASSESSMENT_READY, reserved.account_id, view, AssessmentStatus.PENDING, now
    )


def failed_event(reserved: LeasedAssessment, failure: str | None, now: datetime) -> NewEvent:
    """Return the event of a question whose credit is given back."""
    view = _view(reserved, AssessmentStatus.FAILED, now, failure=failure)
    return _event(
        EventType.ASSESSMENT_FAILED, reserved.account_id, view, AssessmentStatus.PENDING, now
    )


async def publish_changed(
    session: AsyncSession, assessment_ids: Collection[str], now: datetime
) -> None:
    """Tell that a new version of a list changes assessments, in the caller's transaction."""
    rows = await session.execute(
        select(*COLUMNS, Assessment.account_id)
        .where(Assessment.id.in_(assessment_ids))
        .order_by(Assessment.id)
    )
    changed, unchanged = EventType.ASSESSMENT_CHANGED, AssessmentStatus.READY
    await append(
        session,
        [
            _event(changed, row["account_id"], view_of(row), unchanged, now)
            for row in rows.mappings()
        ],
    )


def _event(
    event_type: EventType,
    account_id: str,
    view: AssessmentView,
    previous_status: AssessmentStatus,
    now: datetime,
) -> NewEvent:
    return NewEvent(
        event_type,
        account_id,
        now,
        assessment_response(view).model_dump_json(),
        previous_status=previous_status,
    )


def _view(
    reserved: LeasedAssessment,
    status: AssessmentStatus,
    now: datetime,
    *,
    answer: dict[str, Any] | None = None,
    failure: str | None = None,
) -> AssessmentView:
    """Return how an assessment looks once it is finished; nothing can have changed it yet."""
    question = reserved.question
    return AssessmentView(
        id=question.assessment_id,
        status=status,
        created_at=reserved.created_at,
        updated_at=now,
        assessment_type=question.assessment_type,
        address=question.address,
        currency=question.currency,
        tx_hash=question.tx_hash,
        as_of=question.as_of,
        provider=reserved.provider,
        answer=answer,
        failure_reason=failure,
        client_reference=reserved.labels.client_reference,
        metadata=reserved.labels.metadata,
        changes=[],
    )
