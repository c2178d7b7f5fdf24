"""Indexes without which a loop reads a growing table from one end to the other.

Which lists hold more than sanctions is asked every 15 seconds, which sessions are over every 30.
"""

from alembic import op

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Index the rows of other categories by their list, and sessions by their end."""
    op.create_index(
        "ix_list_entries_other_than_sanctions",
        "list_entries",
        ["source"],
        postgresql_where="category <> 'sanctions'",
    )
    op.create_index("ix_sessions_expires_at", "sessions", ["expires_at"])


def downgrade() -> None:
    """Leave the tables without them."""
    op.drop_index("ix_sessions_expires_at", "sessions")
    op.drop_index("ix_list_entries_other_than_sanctions", "list_entries")
