"""Credits of a deactivated code are with its issuer, and transfers are between those two.

The version before deactivates a code and leaves its credits on it; its transfers are from an issuer
to its code. While it runs beside this one, it cannot refund or grant to a code that this one
deactivated: that transaction is undone, and the worker of this one does it.
"""

from typing import Final

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None

# At commit the two entries of a transfer cancel.
_TRANSFER_CANCELS: Final = """
CREATE OR REPLACE FUNCTION transfer_cancels() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    entries integer;
    total bigint;
BEGIN
    SELECT count(*), sum(amount) INTO entries, total
        FROM ledger_entries WHERE transfer_id = NEW.transfer_id;
    IF entries <> 2 OR total <> 0 THEN
        RAISE EXCEPTION 'transfer % has % entries that sum to %', NEW.transfer_id, entries, total
            USING ERRCODE = 'check_violation';
    END IF;
{between}    RETURN NULL;
END $$
"""
_BETWEEN: Final = """
    IF NOT EXISTS (
        SELECT FROM ledger_entries code_entry
        JOIN access_codes c ON c.account_id = code_entry.account_id
        JOIN ledger_entries other ON other.account_id = c.issuer_id
            AND other.transfer_id = code_entry.transfer_id
        WHERE code_entry.transfer_id = NEW.transfer_id
    ) THEN
        RAISE EXCEPTION 'transfer % is not between an access code and its issuer', NEW.transfer_id
            USING ERRCODE = 'check_violation';
    END IF;
"""

# At commit a deactivated code whose credits went back has none, and they went to its issuer.
_CREDITS_COME_BACK: Final = """
CREATE FUNCTION credits_come_back() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (
        SELECT FROM accounts a LEFT JOIN access_codes c ON c.account_id = a.id
        WHERE a.id = NEW.id AND a.returns_to IS NOT NULL
            AND (a.balance <> 0 OR a.returns_to IS DISTINCT FROM c.issuer_id)
    ) THEN
        RAISE EXCEPTION 'the credits of the deactivated access code % are not with its issuer',
            NEW.id USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$
"""


def upgrade() -> None:
    op.add_column("accounts", sa.Column("returns_to", sa.Text(), nullable=True))
    op.create_foreign_key(
        op.f("fk_accounts_returns_to"), "accounts", "accounts", ["returns_to"], ["id"]
    )
    op.create_check_constraint(
        op.f("ck_accounts_returns_to"),
        "accounts",
        "returns_to IS NULL OR (kind = 'access_code' AND status = 'inactive')",
    )
    op.execute(_TRANSFER_CANCELS.format(between=_BETWEEN))
    op.execute(_CREDITS_COME_BACK)
    op.execute(
        "CREATE CONSTRAINT TRIGGER credits_back AFTER INSERT OR UPDATE OF balance, returns_to"
        " ON accounts DEFERRABLE INITIALLY DEFERRED FOR EACH ROW"
        " WHEN (NEW.returns_to IS NOT NULL) EXECUTE FUNCTION credits_come_back()"
    )
    op.execute("ALTER TABLE accounts ENABLE ALWAYS TRIGGER credits_back")


def downgrade() -> None:
    op.execute("DROP TRIGGER credits_back ON accounts")
    op.execute("DROP FUNCTION credits_come_back()")
    op.execute(_TRANSFER_CANCELS.format(between=""))
    op.drop_constraint(op.f("ck_accounts_returns_to"), "accounts")
    op.drop_constraint(op.f("fk_accounts_returns_to"), "accounts")
    op.drop_column("accounts", "returns_to")
