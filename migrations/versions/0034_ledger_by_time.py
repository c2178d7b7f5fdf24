"""An index of the movements of an account by their time, for a range of them."""

from alembic import op

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Index the ledger by account and time."""
    op.create_index("ix_ledger_entries_account_id_at", "ledger_entries", ["account_id", "at"])


def downgrade() -> None:
    """Leave the ledger without it."""
    op.drop_index("ix_ledger_entries_account_id_at", "ledger_entries")
