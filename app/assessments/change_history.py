"""The column that reads, with an assessment, what new versions of lists changed about it."""

from typing import Any, Final

from sqlalchemy import ColumnElement, literal_column

# Of a row of `assessments` in the same statement: what changed since it was answered, oldest first.
CHANGES_IN_SQL: Final = """(
    SELECT COALESCE(jsonb_agg(jsonb_build_object(
            'source', change.source, 'version', change.to_version, 'issued', version.issued,
            'found_at', change.found_at, 'is_listed', change.is_listed,
            'score_before', change.score_before::text, 'grade_before', change.grade_before,
            'score_after', change.score_after::text, 'grade_after', change.grade_after,
            'entries', change.entries
        ) ORDER BY change.id), jsonb_build_array())
    FROM assessment_changes change JOIN list_versions version
        ON version.source = change.source AND version.number = change.to_version
    WHERE change.assessment_id = assessments.id)"""
CHANGES: Final[ColumnElement[Any]] = literal_column(CHANGES_IN_SQL).label("changes")
