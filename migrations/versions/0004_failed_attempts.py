"""Failed attempts: what the throttles on guessing count, shared by the replicas.

The previous version of the program knows nothing of the table and works beside it.
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "failed_attempts",
        sa.Column("throttle", sa.Text(), nullable=False),
        sa.Column("subject", sa.LargeBinary(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("octet_length(subject) = 32", name=op.f("ck_failed_attempts_subject")),
        sa.CheckConstraint("failures > 0", name=op.f("ck_failed_attempts_failures")),
        sa.PrimaryKeyConstraint("throttle", "subject", name=op.f("pk_failed_attempts")),
    )
    op.create_index(op.f("ix_failed_attempts_ends_at"), "failed_attempts", ["ends_at"])


def downgrade() -> None:
    op.drop_table("failed_attempts")
