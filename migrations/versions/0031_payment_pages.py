"""Links to pages on which the buyers of orders pay."""

import sqlalchemy as sa
from alembic import op

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Keep the links, each as the hash of its token."""
    op.create_table(
        "payment_pages",
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("order_id", sa.Text(), nullable=False),
        sa.Column("return_url", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_payment_pages")),
        sa.ForeignKeyConstraint(
            ["order_id"], ["orders.id"], name=op.f("fk_payment_pages_order_id")
        ),
        sa.CheckConstraint("octet_length(token_hash) = 32", op.f("ck_payment_pages_token_hash")),
        sa.CheckConstraint("expires_at > created_at", op.f("ck_payment_pages_expires_at")),
        sa.CheckConstraint(
            "char_length(return_url) BETWEEN 1 AND 2000", op.f("ck_payment_pages_return_url")
        ),
    )
    op.create_index("ix_payment_pages_expires_at", "payment_pages", ["expires_at"])


def downgrade() -> None:
    """Forget the links: the pages are gone."""
    op.drop_table("payment_pages")
