"""What a batch of assessments under an idempotency key will be answered with, before it is.

The version before takes no key for batches, and leaves the column empty.
"""

from typing import Final

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None

_KEY_HAS_ANSWER: Final = """
CREATE OR REPLACE FUNCTION key_has_answer() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (
        SELECT FROM idempotency_keys
        WHERE account_id = NEW.account_id AND endpoint = NEW.endpoint AND key = NEW.key
            AND body IS NULL AND assessment_id IS NULL{batch}
    ) THEN
        RAISE EXCEPTION 'an idempotency key of account % at % has no answer', NEW.account_id,
            NEW.endpoint USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$
"""


def upgrade() -> None:
    op.add_column("idempotency_keys", sa.Column("batch", JSONB(), nullable=True))
    op.execute(_KEY_HAS_ANSWER.format(batch=" AND batch IS NULL"))


def downgrade() -> None:
    op.execute("DELETE FROM idempotency_keys WHERE body IS NULL AND assessment_id IS NULL")
    op.execute(_KEY_HAS_ANSWER.format(batch=""))
    op.drop_column("idempotency_keys", "batch")
