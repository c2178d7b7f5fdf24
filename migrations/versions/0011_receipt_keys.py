"""The public keys of receipts, which outlive the private ones.

The previous version of the program knows nothing of the table and works beside it.
"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "receipt_keys",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("public_key", sa.LargeBinary(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("id ~ '^[0-9a-f]{16}$'", name=op.f("ck_receipt_keys_id")),
        sa.CheckConstraint(
            "octet_length(public_key) = 32", name=op.f("ck_receipt_keys_public_key")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_receipt_keys")),
    )
    op.execute(
        "CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON receipt_keys"
        " FOR EACH ROW EXECUTE FUNCTION refuse_change()"
    )
    op.execute(
        "CREATE TRIGGER no_truncate BEFORE TRUNCATE ON receipt_keys"
        " FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
    )
    op.execute("ALTER TABLE receipt_keys ENABLE ALWAYS TRIGGER append_only")
    op.execute("ALTER TABLE receipt_keys ENABLE ALWAYS TRIGGER no_truncate")


def downgrade() -> None:
    op.drop_table("receipt_keys")
