"""What a key may do, its name, when it was last used, and the secret before its rotation.

The version before makes keys without a limit; the columns may be left out.
"""

from typing import Final

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None

_SCOPES: Final = (
    "'orders:read', 'orders:write', 'assessments:read', 'assessments:write', 'codes', 'keys',"
    " 'webhooks'"
)

# A key that was made by a key may do no more than that one. What a key may do never changes.
_KEEP_LIMITS: Final = """
CREATE FUNCTION keep_key_limits() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    parent api_keys%ROWTYPE;
BEGIN
    IF TG_OP = 'UPDATE' THEN
        IF (OLD.scopes, OLD.read_only, OLD.ip_allow_list)
            IS DISTINCT FROM (NEW.scopes, NEW.read_only, NEW.ip_allow_list) THEN
            RAISE EXCEPTION 'what API key % may do cannot change', OLD.prefix
                USING ERRCODE = 'restrict_violation';
        END IF;
        RETURN NEW;
    END IF;
    PERFORM network::cidr FROM unnest(NEW.ip_allow_list) network;
    SELECT * INTO parent FROM api_keys WHERE prefix = NEW.parent_prefix;
    IF parent.read_only
        OR (parent.scopes IS NOT NULL AND (NEW.scopes IS NULL OR NOT NEW.scopes <@ parent.scopes))
        OR (parent.ip_allow_list IS NOT NULL AND (NEW.ip_allow_list IS NULL OR EXISTS (
            SELECT FROM unnest(NEW.ip_allow_list) network WHERE NOT EXISTS (
                SELECT FROM unnest(parent.ip_allow_list) wider
                WHERE network::cidr <<= wider::cidr)))) THEN
        RAISE EXCEPTION 'API key % would be allowed more than the key that made it', NEW.prefix
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$
"""


def upgrade() -> None:
    op.add_column("api_keys", sa.Column("name", sa.Text(), nullable=True))
    op.add_column("api_keys", sa.Column("scopes", sa.ARRAY(sa.Text()), nullable=True))
    op.add_column(
        "api_keys",
        sa.Column("read_only", sa.Boolean(), nullable=False, server_default=sa.false()),
    )
    op.add_column("api_keys", sa.Column("ip_allow_list", sa.ARRAY(sa.Text()), nullable=True))
    op.add_column("api_keys", sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("api_keys", sa.Column("old_secret_hash", sa.LargeBinary(), nullable=True))
    op.add_column(
        "api_keys", sa.Column("old_secret_until", sa.DateTime(timezone=True), nullable=True)
    )
    for name, rule in (
        ("name", "char_length(name) BETWEEN 1 AND 64"),
        ("scopes", f"scopes <> '{{}}' AND scopes <@ ARRAY[{_SCOPES}]"),
        ("ip_allow_list", "ip_allow_list <> '{}'"),
        ("old_secret", "(old_secret_hash IS NULL) = (old_secret_until IS NULL)"),
    ):
        op.create_check_constraint(op.f(f"ck_api_keys_{name}"), "api_keys", rule)
    op.execute(_KEEP_LIMITS)
    op.execute(
        "CREATE TRIGGER key_limits BEFORE INSERT OR UPDATE OF scopes, read_only, ip_allow_list"
        " ON api_keys FOR EACH ROW EXECUTE FUNCTION keep_key_limits()"
    )
    op.execute("ALTER TABLE api_keys ENABLE ALWAYS TRIGGER key_limits")


def downgrade() -> None:
    op.execute("DROP TRIGGER key_limits ON api_keys")
    op.execute("DROP FUNCTION keep_key_limits()")
    for column in (
        "old_secret_until",
        "old_secret_hash",
        "last_used_at",
        "ip_allow_list",
        "read_only",
        "scopes",
        "name",
    ):
        op.drop_column("api_keys", column)
