"""Idempotency keys: the first 2xx answer under a caller's key, or the assessment it will be about.

The previous version of the program knows nothing of the table and works beside it.
"""

from typing import Final

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

# At commit a key has an answer to repeat, or the assessment that one can be made from: a key with
# neither would answer nothing for a day.
_KEY_HAS_ANSWER: Final = """
CREATE FUNCTION key_has_answer() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (
        SELECT FROM idempotency_keys
        WHERE account_id = NEW.account_id AND endpoint = NEW.endpoint AND key = NEW.key
            AND body IS NULL AND assessment_id IS NULL
    ) THEN
        RAISE EXCEPTION 'an idempotency key of account % at % has no answer', NEW.account_id,
            NEW.endpoint USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$
"""


def upgrade() -> None:
    op.create_table(
        "idempotency_keys",
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("endpoint", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("request_hash", sa.LargeBinary(), nullable=False),
        sa.Column("assessment_id", sa.Text(), nullable=True),
        sa.Column("status", sa.SmallInteger(), nullable=True),
        sa.Column("body", sa.LargeBinary(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("key ~ '^[!-~]{1,255}$'", name=op.f("ck_idempotency_keys_key")),
        sa.CheckConstraint(
            "octet_length(request_hash) = 32", name=op.f("ck_idempotency_keys_request_hash")
        ),
        sa.CheckConstraint("status BETWEEN 200 AND 299", name=op.f("ck_idempotency_keys_status")),
        sa.CheckConstraint(
            "(status IS NULL) = (body IS NULL)", name=op.f("ck_idempotency_keys_answer")
        ),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.id"], name=op.f("fk_idempotency_keys_account_id")
        ),
        sa.ForeignKeyConstraint(
            ["assessment_id"], ["assessments.id"], name=op.f("fk_idempotency_keys_assessment_id")
        ),
        sa.PrimaryKeyConstraint("account_id", "endpoint", "key", name=op.f("pk_idempotency_keys")),
        sa.UniqueConstraint("assessment_id", name=op.f("uq_idempotency_keys_assessment_id")),
    )
    op.create_index(op.f("ix_idempotency_keys_created_at"), "idempotency_keys", ["created_at"])
    op.execute(_KEY_HAS_ANSWER)
    op.execute(
        "CREATE CONSTRAINT TRIGGER key_answer AFTER INSERT OR UPDATE ON idempotency_keys"
        " DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION key_has_answer()"
    )
    op.execute("ALTER TABLE idempotency_keys ENABLE ALWAYS TRIGGER key_answer")


def downgrade() -> None:
    op.drop_table("idempotency_keys")
    op.execute("DROP FUNCTION key_has_answer()")
