"""What callers call their orders and assessments, and indexes for lists that are filtered.

The version before leaves the columns out. A reference that is to be unique is so among those of
the buyer that are to be, whatever became of their orders.
"""

from typing import Final

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None

_LABELLED: Final = ("orders", "assessments")
_KEEP_TERMS: Final = """
CREATE OR REPLACE FUNCTION keep_terms() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (OLD.id, OLD.buyer_id, OLD.beneficiary_id, OLD.number_of_credits, OLD.price_btc,
        OLD.btc_amount, OLD.btc_dest_address, OLD.granting_status, OLD.created_at, OLD.rail{old})
        IS DISTINCT FROM
       (NEW.id, NEW.buyer_id, NEW.beneficiary_id, NEW.number_of_credits, NEW.price_btc,
        NEW.btc_amount, NEW.btc_dest_address, NEW.granting_status, NEW.created_at, NEW.rail{new}) THEN
        RAISE EXCEPTION 'the terms of order % cannot change', OLD.id
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$
"""
_KEPT: Final = ("client_reference", "unique_reference", "client_metadata")
_INDEXES: Final = {
    "ix_orders_buyer_id_status_created_at_id": "orders (buyer_id, status, created_at, id)",
    "ix_orders_beneficiary_id_status_created_at_id": "orders (beneficiary_id, status, created_at, id)",
    "ix_orders_buyer_id_client_reference": (
        "orders (buyer_id, client_reference, created_at, id) WHERE client_reference IS NOT NULL"
    ),
    "ix_orders_beneficiary_id_client_reference": (
        "orders (beneficiary_id, client_reference, created_at, id)"
        " WHERE client_reference IS NOT NULL"
    ),
    "ix_assessments_account_id_status_created_at_id": (
        "assessments (account_id, status, created_at, id)"
    ),
    "ix_assessments_account_id_client_reference": (
        "assessments (account_id, client_reference, created_at, id)"
        " WHERE client_reference IS NOT NULL"
    ),
}


def upgrade() -> None:
    for table in _LABELLED:
        op.add_column(table, sa.Column("client_reference", sa.Text(), nullable=True))
        op.add_column(table, sa.Column("client_metadata", JSONB(), nullable=True))
        op.create_check_constraint(
            "client_reference", table, "char_length(client_reference) BETWEEN 1 AND 128"
        )
        op.create_check_constraint(
            "client_metadata", table, "jsonb_typeof(client_metadata) = 'object'"
        )
    op.add_column(
        "orders",
        sa.Column("unique_reference", sa.Boolean(), nullable=False, server_default=sa.false()),
    )
    op.create_check_constraint(
        "unique_reference", "orders", "NOT unique_reference OR client_reference IS NOT NULL"
    )
    op.create_index(
        "uq_orders_buyer_id_client_reference",
        "orders",
        ["buyer_id", "client_reference"],
        unique=True,
        postgresql_where=sa.text("unique_reference"),
    )
    for name, columns in _INDEXES.items():
        op.execute(f"CREATE INDEX {name} ON {columns}")
    op.execute(
        _KEEP_TERMS.format(
            old="".join(f", OLD.{name}" for name in _KEPT),
            new="".join(f", NEW.{name}" for name in _KEPT),
        )
    )


def downgrade() -> None:
    op.execute(_KEEP_TERMS.format(old="", new=""))
    for name in (*_INDEXES, "uq_orders_buyer_id_client_reference"):
        op.execute(f"DROP INDEX {name}")
    op.drop_column("orders", "unique_reference")
    for table in _LABELLED:
        op.drop_column(table, "client_metadata")
        op.drop_column(table, "client_reference")
