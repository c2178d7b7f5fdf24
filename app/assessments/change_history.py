"""The column that reads, with an assessment, what new versions of lists changed about it."""

from typing import Final

from sqlalchemy import Text, cast, func, select
from sqlalchemy.dialects.postgresql import aggregate_order_by

from app.assessments.models import Assessment, AssessmentChange
from app.lists.models import ImportedVersion

# Of an assessment in the same statement: what changed since it was answered, oldest first.
CHANGES: Final = (
    select(
        func.coalesce(
            func.jsonb_agg(
                aggregate_order_by(
                    func.jsonb_build_object(
                        *("source", AssessmentChange.source),
                        *("version", AssessmentChange.to_version),
                        *("issued", ImportedVersion.issued),
                        *("found_at", AssessmentChange.found_at),
                        *("is_listed", AssessmentChange.is_listed),
                        *("score_before", cast(AssessmentChange.score_before, Text)),
                        *("grade_before", AssessmentChange.grade_before),
                        *("score_after", cast(AssessmentChange.score_after, Text)),
                        *("grade_after", AssessmentChange.grade_after),
                        *("entries", AssessmentChange.entries),
                    ),
                    AssessmentChange.id,
                )
            ),
            func.jsonb_build_array(),
        )
    )
    .join(
        ImportedVersion,
        (ImportedVersion.source == AssessmentChange.source)
        & (ImportedVersion.number == AssessmentChange.to_version),
    )
    .where(AssessmentChange.assessment_id == Assessment.id)
    .scalar_subquery()
    .label("changes")
)
