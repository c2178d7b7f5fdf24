"""Facts of the parties on lists, how far a tag may be believed, and how a version was read.

The previous version of the program writes none of them: the defaults say that nothing is known,
and a list that it imported is read again at the next import.
"""

from typing import Final

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

_KEEP_ENTRY: Final = """
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
    for column in ("aliases", "programs"):
        op.add_column(
            "list_entries",
            sa.Column(column, postgresql.ARRAY(sa.Text()), server_default="{}", nullable=False),
        )
    for column in ("party_type", "list_uid", "source_url"):
        op.add_column("list_entries", sa.Column(column, sa.Text(), nullable=True))
    op.add_column("list_entries", sa.Column("listed_on", sa.Date(), nullable=True))
    op.add_column("list_entries", sa.Column("confidence", sa.SmallInteger(), nullable=True))
    op.add_column(
        "list_entries",
        sa.Column("is_mention", sa.Boolean(), server_default="false", nullable=False),
    )
    op.create_check_constraint(
        op.f("ck_list_entries_party_type"),
        "list_entries",
        "party_type IN ('individual', 'entity', 'vessel', 'aircraft')",
    )
    op.create_check_constraint(
        op.f("ck_list_entries_confidence"), "list_entries", "confidence BETWEEN 0 AND 100"
    )
    op.add_column(
        "list_versions", sa.Column("reading", sa.Text(), server_default="", nullable=False)
    )
    op.execute(_KEEP_ENTRY)


def downgrade() -> None:
    op.drop_column("list_versions", "reading")
    for column in (
        *("is_mention", "confidence", "listed_on", "source_url", "list_uid", "party_type"),
        *("programs", "aliases"),
    ):
        op.drop_column("list_entries", column)
