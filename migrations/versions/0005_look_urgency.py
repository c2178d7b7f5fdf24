"""`orders.look_urgency`: what a second of lateness of an order weighs.

The previous version of the program never writes it, and its orders are open ones.
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "orders",
        sa.Column("look_urgency", sa.SmallInteger(), server_default="4", nullable=False),
    )
    op.create_check_constraint(op.f("ck_orders_look_urgency"), "orders", "look_urgency > 0")


def downgrade() -> None:
    op.drop_column("orders", "look_urgency")
