"""Rounds of loops, and recent alarms of orders, as every process can show them.

Metrics of a process that was killed are gone; what is in the database can still be watched. The
version before writes no rounds: while nothing but its workers run, the loops look silent.
"""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "loop_beats",
        sa.Column("loop", sa.Text(), nullable=False),
        sa.Column("beat_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("loop", name=op.f("pk_loop_beats")),
    )
    op.create_index(
        op.f("ix_order_events_alarms"),
        "order_events",
        ["at"],
        postgresql_where=sa.text("kind = 'alarm'"),
    )


def downgrade() -> None:
    op.drop_index(op.f("ix_order_events_alarms"), "order_events")
    op.drop_table("loop_beats")
