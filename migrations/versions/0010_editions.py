"""From which edition of its data a provider answers an assessment, and how far it is with it.

The previous version of the program leaves both empty: its assessments answer no question again,
and of a pending one nobody knows more than that its provider was asked.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("assessments", sa.Column("edition", sa.Text(), server_default="", nullable=False))
    op.add_column(
        "assessments",
        sa.Column("progress", postgresql.JSONB(), server_default="{}", nullable=False),
    )
    op.create_index("ix_assessments_account_id_address", "assessments", ["account_id", "address"])


def downgrade() -> None:
    op.drop_index("ix_assessments_account_id_address")
    op.drop_column("assessments", "progress")
    op.drop_column("assessments", "edition")
