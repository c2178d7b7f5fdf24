"""Questions as of a day, earlier answers looked at again, and answers that never change.

The previous version of the program asks nothing as of a day, does not say when it answered, and
leaves the spelling of an address to the loop of this one.
"""

from typing import Final

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

# The spelling is not part of the answer, and is written later where it is missing.
_KEEP_ANSWER: Final = """
CREATE FUNCTION keep_answer() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' OR (to_jsonb(NEW) - 'spelling') <> (to_jsonb(OLD) - 'spelling')
        OR (OLD.spelling IS NOT NULL AND NEW.spelling IS DISTINCT FROM OLD.spelling) THEN
        RAISE EXCEPTION 'assessment % is finished and stays as it is', OLD.id
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$
"""


def upgrade() -> None:
    op.add_column("assessments", sa.Column("as_of", sa.Date(), nullable=True))
    op.add_column(
        "assessments", sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True)
    )
    op.add_column("assessments", sa.Column("spelling", sa.Text(), nullable=True))
    op.create_index("ix_assessments_spelling_id", "assessments", ["spelling", "id"])
    op.create_index(
        "ix_assessments_without_spelling",
        "assessments",
        ["id"],
        postgresql_where=sa.text("spelling IS NULL"),
    )
    op.execute(_KEEP_ANSWER)
    op.execute(
        "CREATE TRIGGER keep_answer BEFORE UPDATE OR DELETE ON assessments FOR EACH ROW"
        " WHEN (OLD.status <> 'pending') EXECUTE FUNCTION keep_answer()"
    )
    op.execute("ALTER TABLE assessments ENABLE ALWAYS TRIGGER keep_answer")
    _create_reviews()
    _create_changes()


def _create_reviews() -> None:
    op.create_table(
        "list_reviews",
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("next_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("after_spelling", sa.Text(), nullable=False),
        sa.Column("after_id", sa.Text(), nullable=True),
        sa.Column("waits", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["source", "number"],
            ["list_versions.source", "list_versions.number"],
            name=op.f("fk_list_reviews_version"),
        ),
        sa.PrimaryKeyConstraint("source", "number", name=op.f("pk_list_reviews")),
    )
    op.create_index(
        "ix_list_reviews_next_at",
        "list_reviews",
        ["next_at"],
        postgresql_where=sa.text("finished_at IS NULL"),
    )


def _create_changes() -> None:
    op.create_table(
        "assessment_changes",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("assessment_id", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("to_version", sa.Integer(), nullable=False),
        sa.Column("found_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("is_listed", sa.Boolean(), nullable=False),
        sa.Column("score_before", sa.Numeric(), nullable=False),
        sa.Column("grade_before", sa.Text(), nullable=False),
        sa.Column("score_after", sa.Numeric(), nullable=False),
        sa.Column("grade_after", sa.Text(), nullable=False),
        sa.Column("entries", postgresql.JSONB(), nullable=False),
        sa.CheckConstraint(
            "score_before BETWEEN 0 AND 1 AND score_after BETWEEN 0 AND 1",
            name=op.f("ck_assessment_changes_scores"),
        ),
        sa.ForeignKeyConstraint(
            ["assessment_id"],
            ["assessments.id"],
            name=op.f("fk_assessment_changes_assessment_id"),
        ),
        sa.ForeignKeyConstraint(
            ["source", "to_version"],
            ["list_versions.source", "list_versions.number"],
            name=op.f("fk_assessment_changes_version"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_assessment_changes")),
        sa.UniqueConstraint(
            "assessment_id",
            "source",
            "to_version",
            name=op.f("uq_assessment_changes_assessment_id_source_to_version"),
        ),
    )
    op.execute(
        "CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON assessment_changes"
        " FOR EACH ROW EXECUTE FUNCTION refuse_change()"
    )
    op.execute(
        "CREATE TRIGGER no_truncate BEFORE TRUNCATE ON assessment_changes"
        " FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
    )
    op.execute("ALTER TABLE assessment_changes ENABLE ALWAYS TRIGGER append_only")
    op.execute("ALTER TABLE assessment_changes ENABLE ALWAYS TRIGGER no_truncate")


def downgrade() -> None:
    op.drop_table("assessment_changes")
    op.drop_table("list_reviews")
    op.execute("DROP TRIGGER keep_answer ON assessments")
    op.execute("DROP FUNCTION keep_answer()")
    op.drop_index("ix_assessments_without_spelling")
    op.drop_index("ix_assessments_spelling_id")
    for column in ("spelling", "answered_at", "as_of"):
        op.drop_column("assessments", column)
