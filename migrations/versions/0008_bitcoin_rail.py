"""The bitcoin rail: what an order in bitcoin is to be paid, and what arrived for it.

The previous version of the program has no orders on this rail and works beside it. Its settings
name no wallet; give one only when every replica runs this version.
"""

from typing import Final

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_KEEP_TERMS: Final = """
CREATE OR REPLACE FUNCTION keep_terms() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (OLD.id, OLD.buyer_id, OLD.beneficiary_id, OLD.number_of_credits, OLD.price_btc,
        OLD.btc_amount, OLD.btc_dest_address, OLD.granting_status, OLD.created_at{rail_old})
        IS DISTINCT FROM
       (NEW.id, NEW.buyer_id, NEW.beneficiary_id, NEW.number_of_credits, NEW.price_btc,
        NEW.btc_amount, NEW.btc_dest_address, NEW.granting_status, NEW.created_at{rail_new}) THEN
        RAISE EXCEPTION 'the terms of order % cannot change', OLD.id
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$
"""

# At commit an order that was granted in bitcoin is paid by outputs of its own, or by an operator's word.
_GRANT_IS_PAID: Final = """
CREATE FUNCTION bitcoin_grant_is_paid() RETURNS trigger LANGUAGE plpgsql AS $$
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
        JOIN payments p ON p.order_id = o.order_id AND o.confirmations >= p.confirmations_wanted
        WHERE o.order_id = NEW.id AND o.gone_at IS NULL;
    IF received < the_order.credits_granted * the_order.grant_price_btc THEN
        RAISE EXCEPTION 'order % grants % credits at % BTC for % confirmed BTC', NEW.id,
            the_order.credits_granted, the_order.grant_price_btc, received
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$
"""

_ORDER_CHECKS: Final = {
    "rail": "rail IN ('aeonto', 'bitcoin')",
    "credits_granted": "credits_granted = number_of_credits"
    " OR (grant_price_btc IS NOT NULL AND credits_granted > 0)",
    "grant_price_btc": "grant_price_btc IS NULL"
    " OR (grant_price_btc > 0 AND rail = 'bitcoin' AND granted_at IS NOT NULL)",
    "ends_at_paid": "rail = 'aeonto' OR (granting_status = 'PAID' AND status <> 'BTC_SENT')",
}
_PAYMENT_CHECKS: Final = {
    "one_rail": "num_nulls(late_until, confirmations_wanted, confirmations_seen, received_btc,"
    " confirmed_btc) = CASE WHEN uuid IS NULL THEN 0 ELSE 5 END",
    "received": "confirmed_btc BETWEEN 0 AND received_btc",
    "confirmations_wanted": "confirmations_wanted BETWEEN 0 AND 100",
}
_BTC: Final = sa.Numeric(20, 8)
_TIME: Final = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.add_column("orders", sa.Column("grant_price_btc", _BTC, nullable=True))
    op.drop_constraint(op.f("ck_orders_credits_granted"), "orders")
    for name, condition in _ORDER_CHECKS.items():
        op.create_check_constraint(op.f(f"ck_orders_{name}"), "orders", condition)
    op.alter_column("payments", "uuid", nullable=True)
    op.add_column("payments", sa.Column("late_until", _TIME, nullable=True))
    op.add_column("payments", sa.Column("confirmations_wanted", sa.Integer(), nullable=True))
    op.add_column("payments", sa.Column("confirmations_seen", sa.Integer(), nullable=True))
    op.add_column("payments", sa.Column("received_btc", _BTC, nullable=True))
    op.add_column("payments", sa.Column("confirmed_btc", _BTC, nullable=True))
    for name, condition in _PAYMENT_CHECKS.items():
        op.create_check_constraint(op.f(f"ck_payments_{name}"), "payments", condition)
    _create_outputs()
    op.execute(_KEEP_TERMS.format(rail_old=", OLD.rail", rail_new=", NEW.rail"))
    op.execute(_GRANT_IS_PAID)
    op.execute(
        "CREATE CONSTRAINT TRIGGER bitcoin_grant AFTER INSERT OR UPDATE OF credits_granted,"
        " grant_price_btc ON orders"
        " DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION bitcoin_grant_is_paid()"
    )
    op.execute("ALTER TABLE orders ENABLE ALWAYS TRIGGER bitcoin_grant")


def _create_outputs() -> None:
    op.create_table(
        "bitcoin_outputs",
        sa.Column("txid", sa.Text(), nullable=False),
        sa.Column("output_index", sa.Integer(), nullable=False),
        sa.Column("order_id", sa.Text(), nullable=False),
        sa.Column("value_btc", _BTC, nullable=False),
        sa.Column("confirmations", sa.Integer(), nullable=False),
        sa.Column("replaceable", sa.Boolean(), nullable=False),
        sa.Column("arrived_at", _TIME, nullable=False),
        sa.Column("gone_at", _TIME, nullable=True),
        sa.CheckConstraint("txid ~ '^[0-9a-f]{64}$'", name=op.f("ck_bitcoin_outputs_txid")),
        sa.CheckConstraint("output_index >= 0", name=op.f("ck_bitcoin_outputs_output_index")),
        sa.CheckConstraint("value_btc >= 0", name=op.f("ck_bitcoin_outputs_value_btc")),
        sa.CheckConstraint("confirmations >= 0", name=op.f("ck_bitcoin_outputs_confirmations")),
        sa.ForeignKeyConstraint(
            ["order_id"], ["orders.id"], name=op.f("fk_bitcoin_outputs_order_id_orders")
        ),
        sa.PrimaryKeyConstraint("txid", "output_index", name=op.f("pk_bitcoin_outputs")),
    )
    op.create_index("ix_bitcoin_outputs_order_id", "bitcoin_outputs", ["order_id"])


def downgrade() -> None:
    op.execute("DROP TRIGGER bitcoin_grant ON orders")
    op.execute("DROP FUNCTION bitcoin_grant_is_paid()")
    op.execute(_KEEP_TERMS.format(rail_old="", rail_new=""))
    op.drop_table("bitcoin_outputs")
    for name in _PAYMENT_CHECKS:
        op.drop_constraint(op.f(f"ck_payments_{name}"), "payments")
    for column in (
        "late_until",
        "confirmations_wanted",
        "confirmations_seen",
        "received_btc",
        "confirmed_btc",
    ):
        op.drop_column("payments", column)
    op.alter_column("payments", "uuid", nullable=False)
    for name in _ORDER_CHECKS:
        op.drop_constraint(op.f(f"ck_orders_{name}"), "orders")
    op.create_check_constraint(
        op.f("ck_orders_credits_granted"), "orders", "credits_granted = number_of_credits"
    )
    op.drop_column("orders", "grant_price_btc")
