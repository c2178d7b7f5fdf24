"""`is_asked`: whether an account asks a question again, for the statement that reserves one."""

from alembic import op

revision = "0036"
down_revision = "0035"
branch_labels = None
depends_on = None

# In a function each query sees what was committed until it began: what another committed while the
# statement that calls it waited for the lock of the account is not hidden from it.
_IS_ASKED = """
CREATE FUNCTION is_asked(account text, its_spelling text, its_provider text, its_edition text,
    since timestamptz) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    RETURN EXISTS (
        SELECT FROM assessments
        WHERE account_id = account AND spelling = its_spelling AND provider = its_provider
            AND edition = its_edition AND status <> 'failed' AND created_at > since
    );
END $$
"""


def upgrade() -> None:
    """Make the function."""
    op.execute(_IS_ASKED)


def downgrade() -> None:
    """Do without it."""
    op.execute("DROP FUNCTION is_asked")
