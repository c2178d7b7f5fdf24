"""New coins pay an order in bitcoin once they may be spent: after 100 confirmations.

The version before does not tell new coins from others: its rows say that they are none, and what
it grants is refused by nothing more than before. `confirmations_needed` is empty there, and the
answer then falls back on what the order wants.
"""

from typing import Final

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

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
        JOIN payments p ON p.order_id = o.order_id AND o.confirmations >= {wanted}
        WHERE o.order_id = NEW.id AND o.gone_at IS NULL;
    IF received < the_order.credits_granted * the_order.grant_price_btc THEN
        RAISE EXCEPTION 'order % grants % credits at % BTC for % confirmed BTC', NEW.id,
            the_order.credits_granted, the_order.grant_price_btc, received
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$
"""
_WANTED: Final = "p.confirmations_wanted"
_WANTED_OF_NEW_COINS: Final = (
    "CASE WHEN o.is_coinbase THEN GREATEST(p.confirmations_wanted, 100)"
    " ELSE p.confirmations_wanted END"
)


def upgrade() -> None:
    op.add_column(
        "bitcoin_outputs",
        sa.Column("is_coinbase", sa.Boolean(), server_default=sa.text("false"), nullable=False),
    )
    op.add_column("payments", sa.Column("confirmations_needed", sa.Integer(), nullable=True))
    op.execute(_GRANT_IS_PAID.format(wanted=_WANTED_OF_NEW_COINS))


def downgrade() -> None:
    op.execute(_GRANT_IS_PAID.format(wanted=_WANTED))
    op.drop_column("payments", "confirmations_needed")
    op.drop_column("bitcoin_outputs", "is_coinbase")
