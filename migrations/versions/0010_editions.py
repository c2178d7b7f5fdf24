"""From which edition of its data a provider answered an assessment, and its name for the work.

The previous version of the program leaves it empty: its assessments answer no question again.
"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("assessments", sa.Column("edition", sa.Text(), server_default="", nullable=False))
    op.add_column("assessments", sa.Column("provider_reference", sa.Text(), nullable=True))
    op.create_index("ix_assessments_account_id_address", "assessments", ["account_id", "address"])


def downgrade() -> None:
    op.drop_index("ix_assessments_account_id_address")
    op.drop_column("assessments", "provider_reference")
    op.drop_column("assessments", "edition")
