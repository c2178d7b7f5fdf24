"""Lists of addresses with a memory: their versions, and the entries that each had.

The previous version of the program knows nothing of the tables and works beside them.
"""

from typing import Final

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

# What a list said stays: an entry may only end, and once.
_KEEP_ENTRY: Final = """
CREATE FUNCTION keep_list_entry() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' OR OLD.last_version IS NOT NULL OR NEW.last_version IS NULL
        OR (OLD.id, OLD.source, OLD.first_version, OLD.spelling, OLD.address, OLD.asset,
            OLD.category, OLD.label, OLD.reference, OLD.noted_on, OLD.digest)
           IS DISTINCT FROM
           (NEW.id, NEW.source, NEW.first_version, NEW.spelling, NEW.address, NEW.asset,
            NEW.category, NEW.label, NEW.reference, NEW.noted_on, NEW.digest) THEN
        RAISE EXCEPTION 'entry % of a list can only end', OLD.id
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$
"""


def upgrade() -> None:
    op.create_table(
        "list_versions",
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("issued", sa.Date(), nullable=True),
        sa.Column("effective_on", sa.Date(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("etag", sa.Text(), nullable=True),
        sa.Column("imported_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("entries", sa.Integer(), nullable=False),
        sa.Column("added", sa.Integer(), nullable=False),
        sa.Column("removed", sa.Integer(), nullable=False),
        sa.Column("assets", postgresql.JSONB(), nullable=False),
        sa.CheckConstraint("number >= 1", name=op.f("ck_list_versions_number")),
        sa.CheckConstraint("sha256 ~ '^[0-9a-f]{64}$'", name=op.f("ck_list_versions_sha256")),
        sa.CheckConstraint("entries > 0", name=op.f("ck_list_versions_entries")),
        sa.CheckConstraint("added >= 0 AND removed >= 0", name=op.f("ck_list_versions_changes")),
        sa.PrimaryKeyConstraint("source", "number", name=op.f("pk_list_versions")),
    )
    _create_entries()
    op.execute(
        "CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON list_versions"
        " FOR EACH ROW EXECUTE FUNCTION refuse_change()"
    )
    op.execute(_KEEP_ENTRY)
    op.execute(
        "CREATE TRIGGER keep_entry BEFORE UPDATE OR DELETE ON list_entries"
        " FOR EACH ROW EXECUTE FUNCTION keep_list_entry()"
    )
    for table in ("list_versions", "list_entries"):
        op.execute(
            f"CREATE TRIGGER no_truncate BEFORE TRUNCATE ON {table}"
            " FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )
    for table, trigger in (
        ("list_versions", "append_only"),
        ("list_versions", "no_truncate"),
        ("list_entries", "keep_entry"),
        ("list_entries", "no_truncate"),
    ):
        op.execute(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {trigger}")


def _create_entries() -> None:
    op.create_table(
        "list_entries",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("first_version", sa.Integer(), nullable=False),
        sa.Column("last_version", sa.Integer(), nullable=True),
        sa.Column("spelling", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("asset", sa.Text(), nullable=False),
        sa.Column("category", sa.Text(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("noted_on", sa.Date(), nullable=True),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint(
            "last_version >= first_version", name=op.f("ck_list_entries_last_version")
        ),
        sa.ForeignKeyConstraint(
            ["source", "first_version"],
            ["list_versions.source", "list_versions.number"],
            name=op.f("fk_list_entries_first_version"),
        ),
        sa.ForeignKeyConstraint(
            ["source", "last_version"],
            ["list_versions.source", "list_versions.number"],
            name=op.f("fk_list_entries_last_version"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_list_entries")),
    )
    op.create_index("ix_list_entries_spelling", "list_entries", ["spelling"])
    op.create_index(
        "uq_list_entries_source_digest",
        "list_entries",
        ["source", "digest"],
        unique=True,
        postgresql_where=sa.text("last_version IS NULL"),
    )


def downgrade() -> None:
    op.drop_table("list_entries")
    op.drop_table("list_versions")
    op.execute("DROP FUNCTION keep_list_entry()")
