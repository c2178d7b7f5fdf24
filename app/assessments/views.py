"""What an assessment looks like to those who may see it: its columns, and who they are."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from app.accounts.authentication import CallerQuery
from app.assessments.change_history import CHANGES, CHANGES_IN_SQL
from app.assessments.models import Assessment
from app.assessments.rules.questions import AssessmentStatus, AssessmentType
from app.runtime.db.direct import DriverRow


@dataclass(frozen=True)
class AssessmentView:
    """An assessment as its account may see it; `answer` once it is ready."""

    id: str
    status: AssessmentStatus
    created_at: datetime
    updated_at: datetime
    assessment_type: AssessmentType
    address: str
    currency: str
    tx_hash: str | None
    as_of: date | None
    provider: str
    answer: dict[str, Any] | None
    failure_reason: str | None
    client_reference: str | None
    metadata: Mapping[str, str] | None
    changes: list[dict[str, Any]]


COLUMNS: Final = (
    Assessment.id,
    Assessment.status,
    Assessment.created_at,
    Assessment.updated_at,
    Assessment.assessment_type,
    Assessment.address,
    Assessment.currency,
    Assessment.tx_hash,
    Assessment.as_of,
    Assessment.provider,
    Assessment.answer,
    Assessment.failure_reason,
    Assessment.client_reference,
    Assessment.client_metadata,
    CHANGES,
)

# The same for the driver.
COLUMNS_IN_SQL: Final = f"""
    assessments.id, assessments.status, assessments.created_at, assessments.updated_at,
    assessments.assessment_type, assessments.address, assessments.currency, assessments.tx_hash,
    assessments.as_of, assessments.provider, assessments.answer, assessments.failure_reason,
    assessments.client_reference, assessments.client_metadata, {CHANGES_IN_SQL} AS changes"""

# The caller, and the assessment `assessment_id` if it is the caller's or of a code that it issued.
ASKED: Final = CallerQuery(
    COLUMNS_IN_SQL,
    joined="""LEFT JOIN assessments ON assessments.id = :assessment_id
        AND (assessments.account_id = account.id
            OR EXISTS (SELECT FROM access_codes issued
                WHERE issued.account_id = assessments.account_id AND issued.issuer_id = account.id))""",
)


def assessment_in(row: DriverRow) -> AssessmentView | None:
    """Return the assessment of a row of ASKED; None: there is none that the caller may see."""
    return view_of(row) if row["id"] is not None else None


def view_of(row: Mapping[Any, Any]) -> AssessmentView:
    """Read a row that has COLUMNS."""
    return AssessmentView(
        id=row["id"],
        status=AssessmentStatus(row["status"]),
        created_at=row["created_at"],
        updated_at=row["updated_at"],
        assessment_type=AssessmentType(row["assessment_type"]),
        address=row["address"],
        currency=row["currency"],
        tx_hash=row["tx_hash"],
        as_of=row["as_of"],
        provider=row["provider"],
        answer=row["answer"],
        failure_reason=row["failure_reason"],
        client_reference=row["client_reference"],
        metadata=row["client_metadata"],
        changes=row["changes"],
    )
