"""The spelling of an address by new rules, beside the one by those of the version before.

The previous version of the program goes on with `spelling`, as it wrote it, and leaves `canonical`
to the loop of this one.
"""

from typing import Final

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

# Neither is part of the answer, and each is written later where it is missing.
_KEEP_ANSWER: Final = """
CREATE OR REPLACE FUNCTION keep_answer() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' OR (to_jsonb(NEW) - '{spelling,canonical}'::text[])
            <> (to_jsonb(OLD) - '{spelling,canonical}'::text[])
        OR (OLD.spelling IS NOT NULL AND NEW.spelling IS DISTINCT FROM OLD.spelling)
        OR (OLD.canonical IS NOT NULL AND NEW.canonical IS DISTINCT FROM OLD.canonical) THEN
        RAISE EXCEPTION 'assessment % is finished and stays as it is', OLD.id
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$
"""
# An entry may end, and a canonical spelling that is missing may be filled in; not both at once.
_KEEP_ENTRY: Final = """
CREATE OR REPLACE FUNCTION keep_list_entry() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND OLD.canonical IS NULL AND NEW.canonical IS NOT NULL
        AND (to_jsonb(NEW) - 'canonical') = (to_jsonb(OLD) - 'canonical') THEN
        RETURN NEW;
    END IF;
    IF TG_OP = 'DELETE' OR OLD.last_version IS NOT NULL OR NEW.last_version IS NULL
        OR (to_jsonb(NEW) - 'last_version') <> (to_jsonb(OLD) - 'last_version') THEN
        RAISE EXCEPTION 'entry % of a list can only end', OLD.id
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$
"""
_KEPT_ANSWER_BEFORE: Final = """
CREATE OR REPLACE FUNCTION keep_answer() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' OR (to_jsonb(NEW) - 'spelling') <> (to_jsonb(OLD) - 'spelling')
        OR (OLD.spelling IS NOT NULL AND NEW.spelling IS DISTINCT FROM OLD.spelling) THEN
        RAISE EXCEPTION 'assessment % is finished and stays as it is', OLD.id
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$
"""
_KEPT_ENTRY_BEFORE: Final = """
CREATE OR REPLACE FUNCTION keep_list_entry() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' OR OLD.last_version IS NOT NULL OR NEW.last_version IS NULL
        OR (to_jsonb(NEW) - 'last_version') <> (to_jsonb(OLD) - 'last_version') THEN
        RAISE EXCEPTION 'entry % of a list can only end', OLD.id
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$
"""


def upgrade() -> None:
    for table in ("assessments", "list_entries"):
        op.add_column(table, sa.Column("canonical", sa.Text(), nullable=True))
        op.create_index(
            f"ix_{table}_without_canonical",
            table,
            ["id"],
            postgresql_where=sa.text("canonical IS NULL"),
        )
    op.create_index("ix_assessments_canonical_id", "assessments", ["canonical", "id"])
    op.create_index("ix_list_entries_canonical", "list_entries", ["canonical"])
    op.execute(_KEEP_ANSWER)
    op.execute(_KEEP_ENTRY)


def downgrade() -> None:
    op.execute(_KEPT_ENTRY_BEFORE)
    op.execute(_KEPT_ANSWER_BEFORE)
    for table in ("assessments", "list_entries"):
        op.drop_column(table, "canonical")
