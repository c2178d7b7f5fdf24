"""Settlements: the bitcoin output that settled each order, where the chain was asked.

The previous version of the program knows nothing of the table and the column, and works beside
them; what it moves is not verified.
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "payments",
        sa.Column("settlement_claimed_at", sa.DateTime(timezone=True), nullable=True),
    )
    op.create_table(
        "settlements",
        sa.Column("order_id", sa.Text(), nullable=False),
        sa.Column("txid", sa.Text(), nullable=False),
        sa.Column("output_index", sa.Integer(), nullable=False),
        sa.Column("confirmations", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("txid ~ '^[0-9a-f]{64}$'", name=op.f("ck_settlements_txid")),
        sa.CheckConstraint("output_index >= 0", name=op.f("ck_settlements_output_index")),
        sa.CheckConstraint("confirmations >= 1", name=op.f("ck_settlements_confirmations")),
        sa.ForeignKeyConstraint(
            ["order_id"], ["orders.id"], name=op.f("fk_settlements_order_id_orders")
        ),
        sa.PrimaryKeyConstraint("order_id", name=op.f("pk_settlements")),
        sa.UniqueConstraint("txid", "output_index", name=op.f("uq_settlements_txid_output_index")),
    )
    op.execute(
        "CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON settlements"
        " FOR EACH ROW EXECUTE FUNCTION refuse_change()"
    )
    op.execute(
        "CREATE TRIGGER no_truncate BEFORE TRUNCATE ON settlements"
        " FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
    )
    op.execute("ALTER TABLE settlements ENABLE ALWAYS TRIGGER append_only")
    op.execute("ALTER TABLE settlements ENABLE ALWAYS TRIGGER no_truncate")


def downgrade() -> None:
    op.drop_table("settlements")
    op.drop_column("payments", "settlement_claimed_at")
