"""How often in a row, and since when, requests about an order failed in a way that needs a person.

An alarm rings when that lasts, not at the first failure. The version before counts none, and rings at
the first.
"""

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "orders", sa.Column("failed_count", sa.Integer(), server_default="0", nullable=False)
    )
    op.add_column("orders", sa.Column("failed_since", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    op.drop_column("orders", "failed_since")
    op.drop_column("orders", "failed_count")
