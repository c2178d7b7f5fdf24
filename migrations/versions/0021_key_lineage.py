"""Which API key made a key, so that none outlives its maker; and which key acted, in the audit log.

The version before makes keys without a parent, and audit lines without a key.
"""

from typing import Final

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

# The parent is locked against a change until the key is there.
_KEEP_LINEAGE: Final = """
CREATE FUNCTION keep_key_lineage() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    parent api_keys%ROWTYPE;
BEGIN
    IF TG_OP = 'UPDATE' AND NEW.parent_prefix IS DISTINCT FROM OLD.parent_prefix THEN
        RAISE EXCEPTION 'the parent of API key % cannot change', OLD.prefix
            USING ERRCODE = 'restrict_violation';
    END IF;
    SELECT * INTO parent FROM api_keys WHERE prefix = NEW.parent_prefix FOR SHARE;
    IF TG_OP = 'INSERT' AND parent.revoked_at IS NOT NULL THEN
        RAISE EXCEPTION 'API key % is revoked and can make no other', parent.prefix
            USING ERRCODE = 'check_violation';
    END IF;
    IF parent.expires_at < COALESCE(NEW.expires_at, 'infinity') OR EXISTS (
        SELECT FROM api_keys WHERE parent_prefix = NEW.prefix
            AND COALESCE(expires_at, 'infinity') > NEW.expires_at) THEN
        RAISE EXCEPTION 'API key % would outlive the key that made it, or be outlived by one that'
            ' it made', NEW.prefix USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$
"""


def upgrade() -> None:
    op.add_column("api_keys", sa.Column("parent_prefix", sa.Text(), nullable=True))
    op.create_foreign_key(
        op.f("fk_api_keys_parent_prefix"), "api_keys", "api_keys", ["parent_prefix"], ["prefix"]
    )
    op.create_index(op.f("ix_api_keys_parent_prefix"), "api_keys", ["parent_prefix"])
    op.add_column("audit_log", sa.Column("api_key", sa.Text(), nullable=True))
    op.execute(_KEEP_LINEAGE)
    op.execute(
        "CREATE TRIGGER key_lineage BEFORE INSERT OR UPDATE OF parent_prefix, expires_at"
        " ON api_keys FOR EACH ROW EXECUTE FUNCTION keep_key_lineage()"
    )
    op.execute("ALTER TABLE api_keys ENABLE ALWAYS TRIGGER key_lineage")


def downgrade() -> None:
    op.execute("DROP TRIGGER key_lineage ON api_keys")
    op.execute("DROP FUNCTION keep_key_lineage()")
    op.drop_column("audit_log", "api_key")
    op.drop_index(op.f("ix_api_keys_parent_prefix"), "api_keys")
    op.drop_constraint(op.f("fk_api_keys_parent_prefix"), "api_keys")
    op.drop_column("api_keys", "parent_prefix")
