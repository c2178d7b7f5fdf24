"""Money that lay at an address before its order pays nothing, and an output counts once on all rails.

Grants that an earlier version may have made wrongly are written to the audit log and shown by
`assay orders list --attention`; nothing is taken back. The version before neither checks addresses
nor marks outputs; where it would count money that came before an order, or give an address to a
second order, the database refuses, and the order waits for this version.
"""

from typing import Final

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

# The same as in `audit.py` and `orders/rules/prior_money.py`, on purpose: three that watch each other.
_GRANT_IS_PAID: Final = """
CREATE OR REPLACE FUNCTION bitcoin_grant_is_paid() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    the_order orders%ROWTYPE;
    received numeric;
BEGIN
    SELECT * INTO the_order FROM orders WHERE id = NEW.id;
    IF the_order.rail <> 'bitcoin' OR the_order.credits_granted IS NULL THEN
        RETURN NULL;
    END IF;
    IF the_order.grant_price_btc IS NULL THEN
        IF NOT EXISTS (SELECT FROM audit_log
                       WHERE subject = NEW.id AND action = 'order.settle_grant') THEN
            RAISE EXCEPTION 'order % is granted without a price or an operator', NEW.id
                USING ERRCODE = 'check_violation';
        END IF;
        RETURN NULL;
    END IF;
    SELECT COALESCE(SUM(o.value_btc), 0) INTO received FROM bitcoin_outputs o
        JOIN payments p ON p.order_id = o.order_id AND o.confirmations >=
            CASE WHEN o.is_coinbase THEN GREATEST(p.confirmations_wanted, 100)
            ELSE p.confirmations_wanted END
        {join}WHERE o.order_id = NEW.id AND o.gone_at IS NULL{counted};
    IF received < the_order.credits_granted * the_order.grant_price_btc THEN
        RAISE EXCEPTION 'order % grants % credits at % BTC for % confirmed BTC', NEW.id,
            the_order.credits_granted, the_order.grant_price_btc, received
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$
"""
_JOIN: Final = "LEFT JOIN bitcoin_addresses a ON a.order_id = o.order_id\n        "
_COUNTED: Final = """ AND NOT o.before_order
            AND o.arrived_at >= the_order.created_at - interval '2 hours'
            AND NOT COALESCE(o.block_height <= a.known_height
                AND o.arrived_at < date_trunc('second', the_order.created_at), false)"""

# Whoever takes an output on either rail holds its lock, so that the other sees what was taken.
_COUNTS_ONCE: Final = """
CREATE FUNCTION output_counts_once() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended(NEW.txid || ':' || NEW.output_index, 0));
    IF TG_TABLE_NAME = 'settlements' THEN
        IF EXISTS (SELECT FROM bitcoin_outputs b WHERE b.txid = NEW.txid
                   AND b.output_index = NEW.output_index AND NOT b.before_order) THEN
            RAISE EXCEPTION 'output %:% pays an order in bitcoin', NEW.txid, NEW.output_index
                USING ERRCODE = 'unique_violation';
        END IF;
    ELSIF NOT (to_jsonb(NEW)->>'before_order')::boolean
        AND EXISTS (SELECT FROM settlements s WHERE s.txid = NEW.txid
                    AND s.output_index = NEW.output_index) THEN
        RAISE EXCEPTION 'output %:% settled an order of AEON.to', NEW.txid, NEW.output_index
            USING ERRCODE = 'unique_violation';
    END IF;
    RETURN NEW;
END $$
"""
_KEEP_ADDRESS: Final = """
CREATE FUNCTION keep_address() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP <> 'INSERT' THEN
        RAISE EXCEPTION 'address % is order %''s for ever', OLD.address, OLD.order_id
            USING ERRCODE = 'restrict_violation';
    END IF;
    IF NEW.released_at IS NOT NULL OR EXISTS (
        SELECT FROM bitcoin_addresses a WHERE a.released_at IS NOT NULL AND a.address = NEW.address
    ) THEN
        RAISE EXCEPTION 'address % was another order''s', NEW.address
            USING ERRCODE = 'unique_violation';
    END IF;
    RETURN NEW;
END $$
"""
_KEEP_BEFORE: Final = """
CREATE FUNCTION keep_before_order() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.before_order AND NOT NEW.before_order THEN
        RAISE EXCEPTION 'output %:% came before its order', OLD.txid, OLD.output_index
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$
"""

# One line for each order and reason; `assay orders list --attention` reads them.
_DOUBTFUL: Final = {
    "prior_money": """
        SELECT o.id FROM orders o WHERE o.rail = 'bitcoin' AND o.grant_price_btc IS NOT NULL
            AND o.credits_granted * o.grant_price_btc > COALESCE(
                (SELECT SUM(b.value_btc) FROM bitcoin_outputs b WHERE b.order_id = o.id
                    AND b.arrived_at >= date_trunc('second', o.created_at)), 0)""",
    "both_rails": """
        SELECT unnest(ARRAY[s.order_id, b.order_id]) FROM settlements s
        JOIN bitcoin_outputs b ON b.txid = s.txid AND b.output_index = s.output_index
        JOIN orders o ON o.id = b.order_id AND o.credits_granted IS NOT NULL""",
    "reused_address": """
        SELECT o.id FROM orders o JOIN bitcoin_addresses a ON a.order_id = o.id
        WHERE o.grant_price_btc IS NOT NULL AND EXISTS (
            SELECT FROM bitcoin_addresses f WHERE f.address = a.address
                AND f.order_id <> a.order_id AND f.taken_at < a.taken_at)""",
}


def upgrade() -> None:
    op.add_column("bitcoin_wallets", sa.Column("known_height", sa.Integer(), nullable=True))
    op.add_column(
        "bitcoin_addresses", sa.Column("checked_at", sa.DateTime(timezone=True), nullable=True)
    )
    op.add_column("bitcoin_addresses", sa.Column("known_height", sa.Integer(), nullable=True))
    op.create_index(
        "ix_bitcoin_addresses_released",
        "bitcoin_addresses",
        ["address"],
        postgresql_where=sa.text("released_at IS NOT NULL"),
    )
    op.add_column(
        "bitcoin_outputs",
        sa.Column("before_order", sa.Boolean(), server_default=sa.text("false"), nullable=False),
    )
    op.add_column("bitcoin_outputs", sa.Column("block_height", sa.Integer(), nullable=True))
    _create_checks()
    for action, query in _DOUBTFUL.items():
        op.execute(
            "INSERT INTO audit_log (at, actor, action, subject, request_id)"  # noqa: S608
            f" SELECT DISTINCT now(), 'migration', 'order.doubtful_{action}', found.id,"
            f" 'migration_0016' FROM ({query}) AS found (id)"
        )
    op.execute(_GRANT_IS_PAID.format(join=_JOIN, counted=_COUNTED))
    for function in (_COUNTS_ONCE, _KEEP_ADDRESS, _KEEP_BEFORE):
        op.execute(function)
    for name, table, when, function in _TRIGGERS:
        op.execute(
            f"CREATE TRIGGER {name} BEFORE {when} ON {table}"
            f" FOR EACH ROW EXECUTE FUNCTION {function}()"
        )
        op.execute(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {name}")


_TRIGGERS: Final = (
    ("counts_once", "settlements", "INSERT", "output_counts_once"),
    ("counts_once", "bitcoin_outputs", "INSERT", "output_counts_once"),
    ("keep_before_order", "bitcoin_outputs", "UPDATE", "keep_before_order"),
    ("keep_address", "bitcoin_addresses", "INSERT OR UPDATE OR DELETE", "keep_address"),
)


def _create_checks() -> None:
    op.create_table(
        "bitcoin_checks",
        sa.Column("wallet_id", sa.Text(), nullable=False),
        sa.Column("address_index", sa.BigInteger(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("checked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("passed_over", sa.Text(), nullable=True),
        sa.Column("received_btc", sa.Numeric(20, 8), server_default=sa.text("0"), nullable=False),
        sa.Column("outputs", postgresql.JSONB(), nullable=True),
        sa.CheckConstraint(
            "address_index BETWEEN 0 AND 2147483647", name=op.f("ck_bitcoin_checks_address_index")
        ),
        sa.CheckConstraint(
            "passed_over IN ('used', 'destination')", name=op.f("ck_bitcoin_checks_passed_over")
        ),
        sa.ForeignKeyConstraint(
            ["wallet_id"],
            ["bitcoin_wallets.id"],
            name=op.f("fk_bitcoin_checks_wallet_id_bitcoin_wallets"),
        ),
        sa.PrimaryKeyConstraint("wallet_id", "address_index", name=op.f("pk_bitcoin_checks")),
    )


def downgrade() -> None:
    for name, table, _, _ in _TRIGGERS:
        op.execute(f"DROP TRIGGER {name} ON {table}")
    for function in ("output_counts_once", "keep_address", "keep_before_order"):
        op.execute(f"DROP FUNCTION {function}()")
    op.execute(_GRANT_IS_PAID.format(join="", counted=""))
    op.drop_table("bitcoin_checks")
    op.drop_column("bitcoin_outputs", "block_height")
    op.drop_column("bitcoin_outputs", "before_order")
    op.drop_index("ix_bitcoin_addresses_released", "bitcoin_addresses")
    op.drop_column("bitcoin_addresses", "known_height")
    op.drop_column("bitcoin_addresses", "checked_at")
    op.drop_column("bitcoin_wallets", "known_height")
