"""An account may have a limit of open unpaid orders of its own.

The version before neither reads nor writes it, and limits nobody.
"""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("accounts", sa.Column("max_open_orders", sa.Integer(), nullable=True))
    op.create_check_constraint(
        op.f("ck_accounts_max_open_orders"), "accounts", "max_open_orders >= 0"
    )


def downgrade() -> None:
    op.drop_column("accounts", "max_open_orders")
