"""Questions as of a day.

The previous version of the program asks none, and leaves the column empty.
"""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("assessments", sa.Column("as_of", sa.Date(), nullable=True))


def downgrade() -> None:
    op.drop_column("assessments", "as_of")
