"""By which rules an address is spelt, so that a program with others knows which rows to spell anew.

`spelling` belongs to `spelling_rules` and is raised together with it. The version before writes
rules 0. It goes on with `canonical` by its own rules, which this one leaves empty for it to fill
in; `ix_*_without_canonical` serve that version alone.
"""

from typing import Final

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

# No spelling is part of what was answered or listed: each is computed of the address.
_MAY_SPELL: Final = """
CREATE FUNCTION may_spell(was jsonb, becomes jsonb) RETURNS boolean
LANGUAGE sql IMMUTABLE AS $$
    SELECT (was - '{spelling,spelling_rules,canonical}'::text[])
            = (becomes - '{spelling,spelling_rules,canonical}'::text[])
        AND (becomes->'canonical' = was->'canonical' OR was->>'canonical' IS NULL)
        AND ((becomes->'spelling' = was->'spelling'
                AND becomes->'spelling_rules' = was->'spelling_rules')
            OR (becomes->>'spelling' IS NOT NULL
                AND (becomes->>'spelling_rules')::int > (was->>'spelling_rules')::int))
$$
"""
_KEEP_ANSWER: Final = """
CREATE OR REPLACE FUNCTION keep_answer() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' OR NOT may_spell(to_jsonb(OLD), to_jsonb(NEW)) THEN
        RAISE EXCEPTION 'assessment % is finished and stays as it is', OLD.id
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$
"""
# An entry may end, or be spelt by later rules; not both at once.
_KEEP_ENTRY: Final = """
CREATE OR REPLACE FUNCTION keep_list_entry() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND NEW IS DISTINCT FROM OLD
        AND may_spell(to_jsonb(OLD), to_jsonb(NEW)) THEN
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
_KEPT_ENTRY_BEFORE: Final = """
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


def upgrade() -> None:
    for table in ("assessments", "list_entries"):
        op.add_column(
            table,
            sa.Column(
                "spelling_rules", sa.SmallInteger(), server_default=sa.text("0"), nullable=False
            ),
        )
        op.create_index(op.f(f"ix_{table}_spelling_rules"), table, ["spelling_rules"])
    op.execute(_MAY_SPELL)
    op.execute(_KEEP_ANSWER)
    op.execute(_KEEP_ENTRY)


def downgrade() -> None:
    op.execute(_KEPT_ENTRY_BEFORE)
    op.execute(_KEPT_ANSWER_BEFORE)
    op.execute("DROP FUNCTION may_spell(jsonb, jsonb)")
    for table in ("assessments", "list_entries"):
        op.drop_column(table, "spelling_rules")
